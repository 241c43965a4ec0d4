// What production looks at is what the specs say, field by field: both checks are asked about each frame with each field
// replaced by each of many values.
import { expect, test } from "vitest";
import * as guarded from "../guards/frames.ts";
import { serverFrames } from "../wire/server-frames.ts";
import type { Spec } from "../wire/guard.ts";
import * as trusted from "./frames.ts";

/** A value that fits. */
function fitting(spec: Spec): unknown {
  if (typeof spec === "string") {
    const [first = ""] = spec.split("|");
    const of: Readonly<Record<string, unknown>> = {
      any: {},
      string: "s",
      boolean: true,
      count: 3,
      integer: -3,
      bytes: "x",
    };
    return Object.hasOwn(of, first) ? of[first] : first;
  }
  if (!Array.isArray(spec))
    return Object.fromEntries(
      Object.entries(spec).map(([key, one]) => [key.replace("?", ""), fitting(one as Spec)]),
    );
  return spec[1] === "*" ? [fitting(spec[0] as Spec), fitting(spec[0] as Spec)] : spec.map(fitting);
}

/** What a format may give. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  0.5,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  Number.NaN,
  Infinity,
  "",
  "s",
  "5",
  "app",
  [],
  [[]],
  [0],
  [1, 2, 3, 4],
  [[1, null, 3]],
  {},
  { length: 1 },
  { 0: 1 },
  new Uint8Array(2),
  new Date(0),
];

/** The value with one thing in it changed, and where: another value in a place, a list shorter or longer by one. */
function* changed(value: unknown, place = ""): Generator<readonly [place: string, value: unknown]> {
  if (place !== "") for (const other of VALUES) yield [place, other];
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    yield [place, items.slice(1)];
    yield [place, [...items, items[0]]];
    for (let i = 0; i < items.length; i++)
      for (const [at, item] of changed(items[i], `${place}[${i}]`)) yield [at, items.with(i, item)];
  } else if (typeof value === "object" && value !== null)
    for (const [key, field] of Object.entries(value))
      if (key !== "type")
        for (const [at, other] of changed(field, `${place}.${key}`)) yield [at, { ...value, [key]: other }];
}

/** What production takes whatever it is: it does nothing with it but hand it on, or asks for one value of it only. */
const OVERLOOKED = [
  "Connected.refused",
  "Rejected.from",
  "Settled.outcomes[0][4]",
  "Settled.outcomes[1][4]",
  "Settled.resync",
  "Settled.reason",
  "Snapshot.version",
  "Version.protocol",
  "Version.slices",
  "Expiring.within",
  // A tag that nobody listed has.
  "Presence.leaves",
  "Presence.leaves[0]",
  "Presence.leaves[1]",
];

test("[CL58] production takes a frame as the guards do, whatever stands in whichever place, but for what it only hands on", () => {
  const overlooked = new Set<string>();
  let asked = 0;
  for (const [type, spec] of Object.entries(serverFrames)) {
    const frame = { type, ...(fitting(spec) as object) };
    expect([trusted.serverFrame(frame), guarded.serverFrame(frame)]).toEqual([frame, frame]);
    for (const [place, value] of changed(frame)) {
      const [trusting, guarding] = [trusted, guarded].map(({ serverFrame }) => serverFrame(value) === value);
      asked++;
      if (trusting === guarding) continue;
      expect([place, value, trusting]).toEqual([place, value, true]);
      overlooked.add(type + place.replace(/(slices).*/, "$1"));
    }
  }
  expect([...overlooked].toSorted()).toEqual(OVERLOOKED.toSorted());
  expect(asked).toBeGreaterThan(2_000);
});

test("[CL58] what is no frame of any type is none in production", () => {
  for (const value of [
    ...VALUES,
    { type: "Pongo" },
    { type: "constructor" },
    { type: "" },
    { type: ["Pong"] },
    [{ type: "Pong" }],
  ])
    expect([value, trusted.serverFrame(value)]).toEqual([value, undefined]);
});
