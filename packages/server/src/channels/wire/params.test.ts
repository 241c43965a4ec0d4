import { describe, expect, test } from "vitest";
import { paramsOf } from "./params.ts";

const read = (query: string, variables: Record<string, string> = {}): unknown => {
  const params = paramsOf(`/socket/websocket?${query}`, variables);
  return params === undefined ? undefined : JSON.parse(JSON.stringify(params));
};

describe("a query", () => {
  test.each([
    ["vsn=2.0.0&u=1", { vsn: "2.0.0", u: "1" }],
    ["", {}],
    ["u=1&vsn=2.0.0&", { u: "1", vsn: "2.0.0" }],
    ["&&a=1", { a: "1" }],
    ["empty=&novalue&=x", { empty: "", novalue: "", "": "x" }],
    ["a[b]=c&a[d]=e", { a: { b: "c", d: "e" } }],
    ["a[b][c][d]=1&a[b][e]=2", { a: { b: { c: { d: "1" }, e: "2" } } }],
    ["l[]=1&l[]=2", { l: ["1", "2"] }],
    ["m[l][]=1&m[l][]=2", { m: { l: ["1", "2"] } }],
    ["l[][a]=1&l[][a]=2", { l: [{ a: "1" }, { a: "2" }] }],
    ["l[][]=1&l[][]=2", { l: [["1"], ["2"]] }],
    ["x=1&x=2", { x: "2" }],
    ["a=1&a[b]=2", { a: { b: "2" } }],
    ["a[b]=2&a=1", { a: "1" }],
    ["a[]=1&a[b]=2", { a: { b: "2" } }],
    ["a[b]=2&a[]=1", { a: ["1"] }],
    ["plus=a+b&a%5Bb%5D=c%2Bd", { plus: "a b", a: { b: "c+d" } }],
    ["pct=%C3%A4%E2%82%AC", { pct: "ä€" }],
    ["a[b=1&c]=2&[d]=3&e[f]g=4", { "a[b": "1", "c]": "2", "": { d: "3" }, "e[f]g": "4" }],
    ["a=b=c", { a: "b=c" }],
    ["a=1#b=2", { a: "1" }],
    ["a=1?b=2", { a: "1?b=2" }],
  ])("[CN16] %j is read as Phoenix reads it", (query, params) => {
    expect(read(query)).toEqual(params);
  });

  test("[CN16] no key is another than it says, and nothing has a prototype", () => {
    const params = paramsOf("/?__proto__[x]=1&constructor=2&a[__proto__]=3&a[toString]=4", {});
    expect(Object.getPrototypeOf(params)).toBe(null);
    expect(Object.keys(params ?? {})).toEqual(["__proto__", "constructor", "a"]);
    const { a, ["__proto__"]: proto } = params ?? {};
    expect(Object.getPrototypeOf(a)).toBe(null);
    expect(Object.getPrototypeOf(proto)).toBe(null);
    expect(Object.entries(a as object)).toEqual([
      ["__proto__", "3"],
      ["toString", "4"],
    ]);
    expect(({} as Record<string, unknown>)["x"]).toBe(undefined);
  });

  test("[CN16] more pairs and deeper names than are read are refused", () => {
    expect(paramsOf(`/?${"a=1&".repeat(1_000)}`, {})).toEqual({ a: "1" });
    expect(paramsOf(`/?${"a=1&".repeat(1_001)}`, {})).toBe(undefined);
    expect(paramsOf(`/?a${"[b]".repeat(31)}=1`, {})).not.toBe(undefined);
    expect(paramsOf(`/?a${"[b]".repeat(32)}=1`, {})).toBe(undefined);
  });

  test.each([
    ["x=%zz", { x: "%zz" }],
    ["x=%", { x: "%" }],
    ["x=%C3%A4%z%41", { x: "ä%zA" }],
    ["x=%FF%41", { x: "\uFFFDA" }],
    ["%zz[%4]=1", { "%zz": { "%4": "1" } }],
  ])("[CN17] %j keeps what is badly encoded", (query, params) => {
    expect(read(query)).toEqual(params);
  });

  test("[CN18] the path's variables count before the query's", () => {
    expect(read("tenant=b&q=1", { tenant: "a" })).toEqual({ tenant: "a", q: "1" });
  });
});
