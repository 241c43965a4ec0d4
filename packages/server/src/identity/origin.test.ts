import { describe, expect, test } from "vitest";
import { originAllowed, originPolicyProblem } from "./origin.ts";

const same = (origin: string | readonly string[] | undefined, host?: string) =>
  originAllowed("same-origin", { origin, host });

describe("same-origin", () => {
  test("[AU7] a page of the host that was asked may connect; a proxy may have ended TLS", () => {
    expect(same("https://app.example", "app.example")).toBe(true);
    expect(same("http://app.example", "app.example")).toBe(true);
    expect(same("https://app.example", "other.example")).toBe(false);
    expect(same("https://app.example.evil.example", "app.example")).toBe(false);
    expect(same("https://sub.app.example", "app.example")).toBe(false);
  });

  test("[AU7] ports count, the scheme's own port goes unsaid, case does not count", () => {
    expect(same("http://localhost:5173", "localhost:5173")).toBe(true);
    expect(same("http://localhost:5173", "localhost:8080")).toBe(false);
    expect(same("http://localhost:5173", "localhost")).toBe(false);
    expect(same("https://app.example", "app.example:443")).toBe(true);
    expect(same("https://app.example:443", "app.example")).toBe(true);
    expect(same("http://app.example", "app.example:443")).toBe(false);
    expect(same("HTTPS://App.Example", "APP.example")).toBe(true);
    expect(same("http://[::1]:80", "[::1]")).toBe(true);
  });

  test("[AU8] without an Origin header it is no browser, and authentication decides", () => {
    expect(same(undefined, "app.example")).toBe(true);
    expect(originAllowed(["https://app.example"], {})).toBe(true);
  });

  test("[AU9] the null origin and malformed ones are refused", () => {
    const malformed = [
      "null",
      "",
      " ",
      "app.example",
      "//app.example",
      "https://",
      "https:app.example",
      "https://app.example/",
      "https://app.example/path",
      "https://app.example#",
      "https://app.example?x",
      "https://user@app.example",
      "https://app.example\\@evil.example",
      "https://app.example https://evil.example",
      "https://app.example,https://evil.example",
      "https://app.example:x",
      "https://*",
      "file://",
      "javascript://app.example",
      "https://app.example:443443",
      "https://[::1",
    ];
    for (const origin of malformed) {
      expect([origin, same(origin, "app.example")]).toEqual([origin, false]);
      expect([origin, originAllowed(["https://app.example"], { origin })]).toEqual([origin, false]);
    }
    expect(same(["https://app.example", "https://app.example"], "app.example")).toBe(false);
    expect(same("https://app.example", undefined)).toBe(false);
    for (const host of ["", "x@app.example", "app.example/", "app.example, app.example"]) {
      expect([host, same("https://app.example", host)]).toEqual([host, false]);
    }
  });
});

test("[AU10] a list names whole origins, scheme and port included", () => {
  const list = ["https://app.example", "http://localhost:5173", "capacitor://localhost"];
  const allowed = (origin: string) => originAllowed(list, { origin, host: "elsewhere.example" });
  expect(allowed("https://app.example")).toBe(true);
  expect(allowed("https://APP.example:443")).toBe(true);
  expect(allowed("http://localhost:5173")).toBe(true);
  expect(allowed("capacitor://localhost")).toBe(true);
  expect(allowed("http://app.example")).toBe(false);
  expect(allowed("http://localhost")).toBe(false);
  expect(allowed("https://elsewhere.example")).toBe(false);
  expect(originAllowed([], { origin: "https://app.example", host: "app.example" })).toBe(false);
});

test("[AU34] an entry may leave out scheme and port, and take all hosts below one", () => {
  const list = [
    "https://good.example",
    "//*.wild.example",
    "//ported.example:8080",
    "http://*.old.example:81",
  ];
  const allowed = (origin: string, asPhoenix = false) => originAllowed(list, { origin }, { asPhoenix });
  for (const origin of [
    "https://good.example",
    "https://good.example:443",
    "https://a.wild.example",
    "http://a.b.wild.example:99",
    "https://wild.example",
    "capacitor://wild.example",
    "http://ported.example:8080",
    "https://ported.example:8080",
    "http://a.old.example:81",
  ])
    expect([origin, allowed(origin), allowed(origin, true)]).toEqual([origin, true, true]);
  for (const origin of [
    "http://good.example",
    "https://good.example:8443",
    "https://evilwild.example",
    "https://wild.example.evil.example",
    "http://ported.example",
    "http://ported.example:80",
    "http://a.ported.example:8080",
    "https://a.old.example:81",
    "http://a.old.example",
    "null",
    "",
    "good.example",
    "//good.example",
    "https://good.example, https://evil.example",
    "https://*.wild.example",
  ])
    expect([origin, allowed(origin), allowed(origin, true)]).toEqual([origin, false, false]);
});

test("[AU35] hosts are compared whatever their case, and nothing stands behind an origin; as Phoenix otherwise", () => {
  const list = ["https://good.example", "//*.Wild.example"];
  const compared = (origin: string) => [
    originAllowed(list, { origin }),
    originAllowed(list, { origin }, { asPhoenix: true }),
  ];
  expect(compared("https://GOOD.example")).toEqual([true, false]);
  expect(compared("https://a.wild.example")).toEqual([true, false]);
  expect(compared("https://a.Wild.example")).toEqual([true, true]);
  expect(compared("HTTPS://good.example")).toEqual([true, true]);
  expect(compared("https://good.example/path?x#y")).toEqual([false, true]);
  expect(compared("https://good.example@evil.example")).toEqual([false, false]);
  expect(compared("https://evil.example/https://good.example")).toEqual([false, false]);
});

test("[AU11] any is any; a function decides alone, and one that throws refuses", () => {
  for (const origin of [undefined, "null", "nonsense", "https://app.example", ["a", "b"]]) {
    expect(originAllowed("any", { origin })).toBe(true);
  }
  const seen: (string | undefined)[] = [];
  const policy = (origin: string | undefined) => seen.push(origin) === 2;
  expect(originAllowed(policy, { origin: "null" })).toBe(false);
  expect(originAllowed(policy, {})).toBe(true);
  expect(seen).toEqual(["null", undefined]);
  expect(
    originAllowed(() => {
      throw new Error("oops");
    }, {}),
  ).toBe(false);
  expect(originAllowed((() => Promise.resolve(false)) as unknown as () => boolean, {})).toBe(false);
});

test("[AU11] what the function threw is reported, a promise with its cure, and what that rejects with", async () => {
  const told: unknown[] = [];
  const report = (error: unknown) => void told.push(error);
  const error = new Error("oops");
  const throws = (): never => {
    throw error;
  };
  expect(originAllowed(throws, {}, { report })).toBe(false);
  const late = (() => Promise.reject(error)) as unknown as () => boolean;
  expect(originAllowed(late, {}, { report })).toBe(false);
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual([
    error,
    expect.objectContaining({ message: expect.stringMatching(/at once/) }),
    error,
  ]);
  expect(originAllowed(() => false, {}, { report })).toBe(false);
  expect(told).toHaveLength(3);
});

test("[AU12] a misspelt policy is refused, with what to write", () => {
  expect(originPolicyProblem("any")).toBeUndefined();
  expect(originPolicyProblem("same-origin")).toBeUndefined();
  expect(originPolicyProblem(() => true)).toBeUndefined();
  expect(originPolicyProblem(["https://app.example", "http://localhost:5173"])).toBeUndefined();
  expect(
    originPolicyProblem(["//app.example", "//*.app.example:81", "https://*.app.example"]),
  ).toBeUndefined();
  expect(originPolicyProblem(["*.app.example"])).toContain('"//*.app.example"');
  for (const entry of ["//", "//*", "//*.", "//a/b", "https://*", "//app.*.example", "//app.example:x"])
    expect([entry, originPolicyProblem([entry])]).toEqual([entry, expect.any(String)]);
  expect(originPolicyProblem(["*"])).toContain('write "any"');
  expect(originPolicyProblem(["https://app.example/"])).toContain('"https://app.example/" is not an origin');
  expect(originPolicyProblem(["null"])).toBeDefined();
  expect(originPolicyProblem("https://app.example" as "any")).toContain("a list of origins");
});
