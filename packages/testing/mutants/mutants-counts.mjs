// Mistakes with how many values a frame is counted as, before anything is made of it. As in mutants.mjs.

const by = "shared/src/wire/format.test.ts > taken at their count of values, refused over it";
/** @type {(name: string, file: string, from: string, to: string) => import("./mutants.mjs").Mutant} */
const mutant = (name, file, from, to) => ({ name, file, from, to, breaks: "CO24", scenario: "", by });
const json = "shared/src/wire/json-scan.ts";
const messagePack = "shared/src/wire/messagepack-scan.ts";
const values = "shared/src/values/count-values.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const countMutants = [
  mutant("count a tag as nothing (JSON)", json, `if (tag) values += PER_TAG;`, ``),
  mutant(
    "count a table of fields as nothing (JSON)",
    json,
    `values += PER_TABLE; // its own value is counted next`,
    ``,
  ),
  mutant(
    "count a table of fields anew behind each value in it (JSON)",
    json,
    `outer.push(tabled ? -inside : inside);`,
    `outer.push(inside);`,
  ),
  mutant("count the fields of what stands in a table as its own (JSON)", json, `      tabled = false;\n`, ``),
  mutant(
    "count bytes as any tagged value (JSON)",
    json,
    `(escaped || (i === start + 5 && text.startsWith("bytes", start)))`,
    `escaped`,
  ),
  mutant("count a text that says bytes as bytes (JSON)", json, `if (tag && (escaped`, `if ((escaped`),
  mutant("count a table of fields as nothing (MessagePack)", messagePack, `        count(PER_TABLE);\n`, ``),
  mutant(
    "count a table of fields anew behind each value in it (MessagePack)",
    messagePack,
    `tabled = tables.pop()!;`,
    `tables.pop();\n      tabled = false;`,
  ),
  mutant(
    "count bytes as a text (MessagePack)",
    messagePack,
    `if (head >= 0xc4 && head <= 0xc6) count(PER_CONTAINER + 1 + PER_TAG + PER_BYTES);`,
    ``,
  ),
  mutant("count a tag as nothing (MessagePack)", messagePack, `PER_TAG + PER_BYTES : PER_TAG);`, `0 : 0);`),
  mutant("count bytes as any tagged value", values, `TAGGED + 1 + PER_BYTES`, `TAGGED + 1`),
  mutant(
    "count a table of fields as nothing",
    values,
    `return tabled ? values + PER_TABLE : values;`,
    `return values;`,
  ),
  mutant(
    "count a map's entries as its keys",
    values,
    `PER_CONTAINER + countValues(key, known) + `,
    `countValues(key, known) + `,
  ),
];
