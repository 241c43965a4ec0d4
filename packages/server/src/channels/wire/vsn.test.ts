import { describe, expect, test } from "vitest";
import { MalformedFrame } from "./serialiser.ts";
import { serialiserFor, serialisers } from "./vsn.ts";

const vsnOf = (vsn?: unknown) => serialiserFor(vsn)?.vsn;

describe("a connection's vsn", () => {
  test("[CN1] [CN4] 2.0.x asks for version 2", () => {
    expect(["2.0.0", "2.0.7", "2.0.10"].map(vsnOf)).toEqual(["2.0.0", "2.0.0", "2.0.0"]);
  });

  test("[CN2] none means version 1", () => {
    expect(vsnOf()).toBe("1.0.0");
    expect(vsnOf(undefined)).toBe("1.0.0");
  });

  test("[CN3] 1.0.x asks for version 1", () => {
    expect(["1.0.0", "1.0.9"].map(vsnOf)).toEqual(["1.0.0", "1.0.0"]);
  });

  test.each(["2.1.0", "2.9.9", "1.1.0", "3.0.0", "0.0.0", "123.1.1", "12.0.0", "20.0.0"])(
    "[CN5] %s has no serialiser",
    (vsn) => expect(vsnOf(vsn)).toBeUndefined(),
  );

  test.each([
    "2",
    "2.0",
    "",
    "abc",
    "02.0.0",
    "2.00.0",
    "2.0.00",
    "2.0.0.0",
    " 2.0.0",
    "2.0.0\n",
    "v2.0.0",
    "2.0.0-",
    "2.0.0+",
    "2.0.1-01",
    "2.0.1-a..b",
    "2.0.0+a+b",
    "-2.0.0",
    "2.0.٠",
  ])("[CN6] %j is no version", (vsn) => expect(vsnOf(vsn)).toBeUndefined());

  test("[CN7] what comes before 2.0.0 has no serialiser; what comes behind it and before 2.1 has, and builds do not count", () => {
    expect(["2.0.0-rc.1", "2.0.0-0", "1.0.0-a", "2.1.0-rc.1"].map(vsnOf)).toEqual(Array(4).fill(undefined));
    expect(["2.0.0+b", "2.0.0+01.x-y", "2.0.1-rc.1", "2.0.1-rc.1+b"].map(vsnOf)).toEqual(
      Array(4).fill("2.0.0"),
    );
  });

  test.each([[["2.0.0"]], [{ 0: "2.0.0" }], [2], [null], [true], [Object("2.0.0")]])(
    "[CN8] %j is no text, and has no serialiser",
    (vsn) => expect(vsnOf(vsn)).toBeUndefined(),
  );

  test("finds the same serialiser each time, and limits are of those who were given them", () => {
    expect(serialiserFor("2.0.0")).toBe(serialiserFor("2.0.1+b"));
    const narrow = serialisers({ limits: { maxDepth: 1 } })("2.0.0")!;
    const deep = '["1","1","t","e",{"a":{}}]'.padEnd(80);
    expect(() => narrow.decode(deep)).toThrow(MalformedFrame);
    expect(serialiserFor("2.0.0")!.decode(deep).payload).toEqual({ a: {} });
  });

  test("a long one that is almost a version takes no longer for it", () => {
    const before = process.cpuUsage();
    expect(vsnOf(`2.0.1-${"1".repeat(50_000)}!`)).toBeUndefined();
    expect(vsnOf(`2.0.1-${"a.".repeat(50_000)}`)).toBeUndefined();
    const { user } = process.cpuUsage(before);
    expect(user).toBeLessThan(500_000);
  });
});
