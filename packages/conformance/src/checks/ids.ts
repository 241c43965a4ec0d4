// The ids of all rules of the wire, so that none is lost: a test compares the table with them.

const upTo = (prefix: string, last: number, without: readonly number[] = []): string[] =>
  Array.from({ length: last }, (_, i) => i + 1)
    .filter((number) => !without.includes(number))
    .map((number) => `${prefix}${number}`);
const between = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const ids: readonly string[] = [
  ...upTo("CN", 58, [29, ...between(42, 49)]),
  "CN64",
  ...upTo("HB", 12),
  ...upTo("JN", 30),
  "JN32",
  "CT4",
  ...upTo("MS", 31),
  ...upTo("BC", 15),
  ...upTo("LV", 35, between(21, 29)),
  ...upTo("BI", 24),
  ...upTo("MF", 25),
  ...upTo("LP", 34),
  "LP31a",
  "LP54",
  ...upTo("DC", 10),
  ...upTo("PR", 18),
  ...upTo("SB", 11),
];
