// Mistakes of a client whose network, browser or server goes away and comes back. As in mutants.mjs.

const indexedDb = "client/test/indexeddb.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const wakeMutants = [
  {
    name: "keep a connection to the database that is dead",
    file: "client/src/shelf-indexeddb.ts",
    from: `if (!lasts || otherwise === unavailable) forget(mine);`,
    to: ``,
    breaks: "TB12",
    scenario: "S19",
    by: `${indexedDb} > [TB12] transaction() throws UnknownError`,
  },
  {
    name: "take a forgetting that was done unheard for data that was thrown away",
    file: "client/src/shelf-indexeddb.ts",
    from: `if (!found && dropped.includes(id)) return;`,
    to: ``,
    breaks: "TB12",
    scenario: "S19",
    by: `${indexedDb} > [TB12] [OB12] transactions end with an abort, though all was done`,
  },
  {
    name: "leave the dead connection open, in the way of a newer page",
    file: "client/src/shelf-indexeddb.ts",
    from: `(dead) => dead.close(),`,
    to: `() => {},`,
    breaks: "TB12",
    scenario: "S19",
    by: `${indexedDb} > [TB12] transaction() throws UnknownError`,
  },
];
