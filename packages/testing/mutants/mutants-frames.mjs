// The mistakes that make a frame cost more than its bytes; mutants.mjs says what these are.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const frameMutants = [
  {
    name: "let numbers crowd in a Set",
    file: "shared/src/crowding.ts",
    from: `return comparisons > MOST * size;`,
    to: `return comparisons > size * size;`,
    breaks: "CO26",
    scenario: "",
    by: "shared/src/crowding.test.ts > are refused before a Set or Map is made of them",
  },
  {
    name: "count an array or object as any other value",
    file: "shared/src/json-scan.ts",
    from: `if ((values += PER_CONTAINER) > maxValues)`,
    to: `if ((values += 1) > maxValues)`,
    breaks: "CO24",
    scenario: "S29",
    by: "shared/src/format.test.ts > [CO24] maxValues",
  },
  {
    name: "do not count a frame's names",
    file: "shared/src/frame-names.ts",
    from: `if (++this.#count > this.#maxNames)`,
    to: `if (this.#count > this.#maxNames)`,
    breaks: "CO24",
    scenario: "S29",
    by: "shared/src/format.test.ts > [CO24] maxNames",
  },
  {
    name: "count no name that an earlier frame had",
    file: "shared/src/messagepack-read.ts",
    from: `if (this.#metIn[at] === this.#frame) return known;`,
    to: `if (this.#frame > 0) return known;`,
    breaks: "CO24",
    scenario: "S29",
    by: "shared/src/format.test.ts > [CO24] maxNames",
  },
  {
    name: "parse whatever a tagged text holds",
    file: "shared/src/from-plain.ts",
    from: `if (text.startsWith('"')) return JSON.parse(text);`,
    to: `if (typeof JSON.parse(text) === "string") return JSON.parse(text);`,
    breaks: "CO27",
    scenario: "S29",
    by: "shared/src/serialiser.test.ts > [CO27] of a tagged value",
  },
  {
    name: "read a batch that is refused by its length",
    file: "server/src/dispatching.ts",
    from: `plain.length > this.#core.limits.maxBatch)`,
    to: `plain.length < 0)`,
    breaks: "CV18",
    scenario: "",
    by: "server/src/unread.test.ts > more messages than a batch may hold",
  },
];
