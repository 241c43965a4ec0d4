// Documents as the wire has them, and what edits make of them: for the property tests of patches. Not published.
import * as fc from "fast-check";

type Fields = Readonly<Record<string, unknown>>;

const name = fc
  .oneof(
    fc.constantFrom("a", "b", "id", "key", "n", "0", "1", "-", "", "/", "~", "~1", "a/b", "$", "v", "length"),
    fc.string({ maxLength: 3, unit: "grapheme" }),
  )
  .filter((text) => !["__proto__", "constructor", "prototype"].includes(text));

const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, ""),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  fc.string({ unit: "grapheme" }),
  fc.string({ minLength: 30, maxLength: 60 }),
);

/** Trees of JSON; lists of what has ids and of what has none, and tagged Maps. */
export const { document } = fc.letrec((tie) => ({
  document: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("document"), { maxLength: 6 }),
    fc.array(fc.record({ id: fc.nat(8), n: fc.nat(3), v: tie("document") }), { maxLength: 6 }),
    fc.dictionary(name, tie("document"), { maxKeys: 6, noNullPrototype: true }),
    fc
      .array(fc.tuple(fc.oneof(fc.nat(5), name), tie("document")), { maxLength: 5 })
      .map((entries) => ({ $: "map", v: entries })),
  ),
})) as { document: fc.Arbitrary<unknown> };

/** The document after some edits; what they leave alone is the same by reference. */
export function changedOf(value: unknown, pick: fc.GeneratorValue): unknown {
  let changed = value;
  for (let edits = pick(() => fc.integer({ min: 1, max: 4 })); edits > 0; edits--)
    changed = edited(changed, pick);
  return changed;
}

function edited(value: unknown, pick: fc.GeneratorValue): unknown {
  if (Array.isArray(value) && value.length > 0) return editedList(value, pick);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return editedFields(value as Fields, pick);
  return pick(() => document);
}

function editedList(list: readonly unknown[], pick: fc.GeneratorValue): unknown[] {
  const at = pick(() => fc.nat(list.length - 1));
  const to = pick(() => fc.nat(list.length - 1));
  switch (pick(() => fc.nat(4))) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(
        at,
        0,
        pick(() => document),
      );
    case 2:
      return list.toSpliced(at, 1).toSpliced(to, 0, list[at]);
    case 3:
      return list.with(at, list[to]).with(to, list[at]);
    default:
      return list.with(at, edited(list[at], pick));
  }
}

function editedFields(fields: Fields, pick: fc.GeneratorValue): Fields {
  const names = Object.keys(fields);
  const at = names.length === 0 ? undefined : names[pick(() => fc.nat(names.length - 1))]!;
  if (at === undefined || pick(() => fc.nat(3)) === 0)
    return { ...fields, [pick(() => name)]: pick(() => document) };
  if (pick(() => fc.nat(3)) === 0) {
    const { [at]: _, ...rest } = fields;
    return rest;
  }
  return { ...fields, [at]: edited(fields[at], pick) };
}
