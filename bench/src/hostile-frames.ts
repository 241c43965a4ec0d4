// Frames that a client could say, each the worst of its kind that we know, as what stands on the wire.
import {
  alignedBigints,
  crowdedBigints,
  crowdedFractions,
  crowdedIntegers,
} from "../../packages/shared/src/guards/crowding.arbitrary.ts";

/** A frame of about so many bytes of JSON. */
export type Shape = (bytes: number) => unknown;

/** A whole frame around a message. */
const message = (payload: unknown): unknown => ({
  type: "TopicMessage",
  target: "list:1",
  mid: 1,
  id: "id-1",
  settled: 0,
  messages: [{ type: "set", payload }],
});

/** As many as fit. */
function fill<Item>(bytes: number, item: (index: number) => Item): Item[] {
  const items: Item[] = [];
  for (let left = bytes - 100, i = 0; ; i++) {
    const one = item(i);
    left -= (JSON.stringify(one) ?? "").length + 1;
    if (left < 0) return items;
    items.push(one);
  }
}
/** The same in parts, so that no place has too many. */
const parts = <Item>(items: readonly Item[], size = 50_000): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
const many =
  <Item>(item: (index: number) => Item): Shape =>
  (bytes) =>
    message(parts(fill(bytes, item)));
const tag = ($: string, v?: unknown): unknown => (v === undefined ? { $ } : { $, v });
/** A Set of what `make` makes, as large as fits. */
const setOf =
  (make: (count: number) => readonly unknown[], each: number): Shape =>
  (bytes) =>
    message(tag("set", make(Math.floor((bytes - 100) / each))));
const bigint = (value: bigint): unknown => tag("bigint", String(value));
const name = (i: number): string => i.toString(36);

/** Records of five short fields: what the others are measured by. */
export const plain: Shape = (bytes) =>
  message(
    fill(bytes, (i) => ({ id: i % 1_000, x: i % 97, y: i % 89, text: `ab${i % 10}`, done: i % 2 === 0 })),
  );

export const hostile: { readonly [title: string]: Shape } = {
  "a Set of crowded integers": setOf(crowdedIntegers, 11.7),
  "a Set of crowded fractions": setOf(crowdedFractions, 25),
  "a Set of crowded bigints": setOf((count) => crowdedBigints(count).map(bigint), 44),
  "a Set of bigints alike in 64 bits": setOf((count) => alignedBigints(count).map(bigint), 47),
  "a Map of crowded integers": (bytes) =>
    message(
      tag(
        "map",
        crowdedIntegers(Math.floor(bytes / 16)).map((key) => [key, 0]),
      ),
    ),
  "Sets of 127 crowded integers": (bytes) =>
    message(
      parts(crowdedIntegers(Math.floor((bytes - 100) / 12)), 127).map((members) => tag("set", members)),
    ),
  "Sets of 127 bigints alike": (bytes) =>
    message(
      parts(alignedBigints(Math.floor((bytes - 100) / 47)), 127).map((members) =>
        tag("set", members.map(bigint)),
      ),
    ),
  "a Set of random integers": setOf(
    (count) => Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e37_79b1)),
    11.7,
  ),
  "a Set of texts": setOf((count) => Array.from({ length: count }, (_, i) => `${name(i)}zz`), 9),
  "empty objects": many(() => ({})),
  "empty arrays": many(() => []),
  "empty Sets": many(() => tag("set", [])),
  "empty Maps": many(() => tag("map", [])),
  "empty bytes": many(() => tag("bytes", "")),
  "bytes of one": many(() => tag("bytes", "AA==")),
  "one long bytes": (bytes) => message(tag("bytes", "A".repeat((bytes - 150) & ~3))),
  Dates: many(() => tag("date", 1)),
  "short bigints": many((i) => tag("bigint", String(i))),
  "bigints of 1,000 digits": many(() => tag("bigint", "9".repeat(1_000))),
  "bigints of 1,001 digits": many(() => tag("bigint", "9".repeat(1_001))),
  "one bigint of a megabyte": (bytes) => message(tag("bigint", "9".repeat(bytes - 150))),
  undefineds: many(() => tag("undefined")),
  "negative zeros": many(() => tag("number", "-0")),
  "tagged texts": many(() => tag("text", '""')),
  "tagged texts of deep JSON": (bytes) => message(tag("text", "[".repeat(bytes - 150))),
  "tagged texts of many values": (bytes) => message([tag("text", `[${"0,".repeat((bytes - 200) / 2)}0]`)]),
  "tagged texts of objects": (bytes) => message([tag("text", `[${"{},".repeat((bytes - 200) / 3)}0]`)]),
  "tagged objects": many((i) => tag("object", [["$", i]])),
  "tagged objects of many names": (bytes) =>
    message(
      tag(
        "object",
        fill(bytes - 100, (i) => [name(i), 0]),
      ),
    ),
  "tags that are none": many(() => tag("Nobody", 0)),
  numbers: many(() => 0),
  "long numbers": many(() => 1.797_693_134_862_315_7e308),
  booleans: many(() => true),
  "short texts": many((i) => name(i % 46_656)),
  "texts of digits": many((i) => String(i * 65_536)),
  "texts of two bytes": many(() => "é"),
  "long texts of two bytes": (bytes) => message("é".repeat((bytes - 100) / 2)),
  "objects with one name each": many((i) => ({ [name(i)]: 0 })),
  "an object of many names": (bytes) =>
    message(Object.fromEntries(fill(bytes, (i) => [name(i), 0] as const))),
  "objects of 1,000 names": (bytes) =>
    message(
      parts(
        fill(bytes, (i) => [name(i), 0] as const),
        1_000,
      ).map((fields) => Object.fromEntries(fields)),
    ),
  "objects with the same 9,000 names": (bytes) => message(many2(bytes, 9_000)),
  "an object of far numbers": (bytes) =>
    message(Object.fromEntries(fill(bytes, (i) => [4_294_967_294 - 7 * i, 0] as const))),
  "objects with one far number": many((i) => ({ [1_000 + (i % 20)]: 0 })),
  "the same, tagged within": many((i) => ({ [1_000 + (i % 20)]: tag("undefined") })),
  "the same in tagged objects": many((i) => tag("object", [[String(1_000 + (i % 20)), tag("undefined")]])),
  "arrays in arrays": many(() => nested(100)),
  "Sets in Sets": many(() => nestedSets(20)),
  "one field each": many(() => ({ a: 0 })),
  "arrays of one": many(() => [0]),
  cursors: (bytes) => ({ type: "Ping", cursors: fill(bytes, (i) => [`t${i % 9}`, i, 1]) }),
  "many subscribes": (bytes) => ({
    type: "Resync",
    targets: fill(bytes, (i) => ({ target: `t${i % 9}`, ref: i, settled: 0, sent: 0 })),
  }),
  "slices of Hello": (bytes) => ({
    type: "Hello",
    protocol: 1,
    slices: Object.fromEntries(fill(bytes, (i) => [name(i), 1] as const)),
    targets: [],
  }),
  "a token of objects": (bytes) => ({ type: "Authenticate", token: parts(fill(bytes, () => ({}))) }),
  "frames in a packet": (bytes) => fill(bytes, () => ({ type: "Ping", cursors: [] })),
  "no frames in a packet": (bytes) => fill(bytes, () => 0).slice(0, 99_999),
  "messages in a dispatch": (bytes) => ({
    ...(message(0) as object),
    messages: fill(bytes, () => ({ type: "a" })).slice(0, 99_999),
  }),
};

const many2 = (bytes: number, names: number): unknown[] =>
  fill(bytes, (i) => ({ [name(i % names)]: 0, [name((7 * i) % names)]: 1 }));
function nested(levels: number): unknown {
  return levels === 0 ? 0 : [nested(levels - 1)];
}
function nestedSets(levels: number): unknown {
  return levels === 0 ? 0 : tag("set", [nestedSets(levels - 1)]);
}
