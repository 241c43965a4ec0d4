import { expect, test } from "vitest";
import { alignedBigints, crowdedBigints, crowdedFractions, crowdedIntegers } from "./crowding.arbitrary.ts";
import { isCrowded } from "./crowding.ts";
import { CallaError } from "../base/errors.ts";
import { json } from "../wire/json-format.ts";
import { messagePack } from "../wire/messagepack.ts";
import { automatic } from "../wire/serialiser.ts";

const crowds: { readonly [name: string]: (count: number) => readonly unknown[] } = {
  integers: crowdedIntegers,
  fractions: crowdedFractions,
  bigints: crowdedBigints,
  "bigints that differ above 64 bits": alignedBigints,
};
const kinds = Object.entries(crowds);
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;
const milliseconds = (run: () => unknown): number => {
  const start = performance.now();
  run();
  return performance.now() - start;
};

test.each(kinds)("[CO26] crowded %s are refused before a Set or Map is made of them", (_, make) => {
  const members = make(2_000);
  for (const format of [json(), messagePack()]) {
    const codec = automatic(format).payload(format);
    const plain = codec.encodeMessage([...members]);
    const pairs = (plain as readonly unknown[]).map((key) => [key, 1]);
    for (const tree of [{ $: "set", v: plain }, { $: "map", v: pairs }, { deep: [{ $: "set", v: plain }] }]) {
      const received = format.decode(format.encode(tree));
      for (const read of [codec.decodeMessage, codec.decodeModel, codec.decodeDetails])
        expect(() => read(received)).toThrow(code("undecodable"));
    }
    // As a list they are as good as any.
    expect(codec.decodeMessage(plain)).toEqual(members);
    expect(() => automatic(format).normaliseMessage({ ids: new Set(members) })).toThrow(
      expect.objectContaining({
        code: "invalid-value",
        details: expect.objectContaining({ path: ".ids" }),
      }) as Error,
    );
  }
});

test.each(kinds)(
  "[CO26] crowded %s are found among others, and where only a part of the hash is alike",
  (_, make) => {
    const members = make(5_000);
    expect(isCrowded([...members, ...Array.from({ length: 5_000 }, (__, i) => `text ${i}`)], 10_000)).toBe(
      true,
    );
    expect(isCrowded(new Map(members.slice(0, 300).map((key) => [key, 1])).keys(), 300)).toBe(true);
    expect(isCrowded(members.slice(0, 100), 100)).toBe(false); // so few cost nothing
  },
);

test("[CO26] honest numbers are taken, by the hundred thousand, whatever their pattern", () => {
  const wrong: string[] = [];
  const look = (name: string, member: (i: number) => unknown): void => {
    for (const size of [128, 1_000, 5_000, 65_536]) {
      const members = Array.from({ length: size }, (_, i) => member(i));
      if (isCrowded(members, size)) wrong.push(`${size} ${name}`);
    }
  };
  for (const step of [
    1,
    7,
    10,
    64,
    1_000,
    4_096,
    60_000,
    65_536,
    2 ** 31,
    86_400_000,
    2 ** 36,
    0.1,
    0.25,
    0.01,
    2 ** -40,
  ]) {
    look(`by ${step}`, (i) => i * step);
    look(`below 0 by ${step}`, (i) => -i * step);
    if (!Number.isInteger(step)) continue;
    look(`times by ${step}`, (i) => 1_763_000_000_000 + i * step);
    look(`bigints by ${step}`, (i) => BigInt(i) * BigInt(step));
  }
  look("snowflakes", (i) => (1_763_000_000_000n << 22n) + (BigInt(i) << 12n));
  look("NaN, -0, texts", (i) => [Number.NaN, -0][i] ?? `${i}`);
  let state = 1;
  look("random", () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) | 0);
  expect(wrong).toEqual([]);
});

test("[CO26] a Set of 20,000 numbers and a Map of as many go through both formats", () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => i * 1_009);
  for (const value of [new Set(ids), new Map(ids.map((id) => [id, { id }]))]) {
    for (const format of [json(), messagePack()]) {
      const codec = automatic(format).payload(format);
      expect(codec.decodeMessage(format.decode(format.encode(codec.encodeMessage(value))))).toEqual(value);
    }
    expect(automatic(json()).normaliseModel(value)).toEqual(value);
  }
});

// If this fails, the engine hashes otherwise than crowding.ts believes: look whether it has a seed now, and find its
// function if not.
test.each(kinds)("[CO26] this engine is as slow with crowded %s as is believed", (_, make) => {
  const [crowded, spread] = [make(8_000), make(80_000).filter((__, i) => i % 10 === 0)];
  const honest = spread.map((member, i) =>
    typeof member === "bigint" ? BigInt(i * 7_919) : i * 7_919 + 0.5,
  );
  const once = milliseconds(() => new Set(honest));
  expect(milliseconds(() => new Set(crowded))).toBeGreaterThan(5 * once);
});

test("[CO26] refusing is a CallaError like any other", () => {
  const codec = automatic(json()).payload(json());
  expect(() => codec.decodeMessage({ $: "set", v: crowdedIntegers(1_000) })).toThrow(CallaError);
});
