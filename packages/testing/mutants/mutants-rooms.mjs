// Mistakes that leave whoever writes a first channel without a word. As in mutants.mjs.

const table = "server/src/channels/topics/pattern-table.test.ts";
const told = "server/src/channels/development.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const roomMutants = [
  {
    name: "take a pattern for shadowed whose empty segment a star never stands for",
    file: "server/src/channels/topics/pattern.ts",
    from: `one === "*" ? narrow.segments[i] !== "" : `,
    to: `one === "*" ? true : `,
    breaks: "CT11",
    scenario: "",
    by: `${table} > [CT11] it is one if`,
  },
  {
    name: "call what is not joined a topic that nobody serves",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `const served = known !== undefined && this.#context.routeOf(known) !== undefined;`,
    to: `const served = false;`,
    breaks: "JN33",
    scenario: "",
    by: `${told} > [JN33] its record`,
  },
  {
    name: "print what clients ask for without an end",
    file: "server/src/base/development.ts",
    from: `told.size >= most || told.has(key)`,
    to: `told.has(key)`,
    breaks: "CN70",
    scenario: "",
    by: `${told} > [CN70] is told of once`,
  },
];
