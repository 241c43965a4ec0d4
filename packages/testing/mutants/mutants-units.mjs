// Mistakes in the parts of a client's engine that the tests beside their files catch. As in mutants.mjs.

const suspects = "client/src/engine/suspects.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const unitMutants = [
  {
    name: "send a doubted message while others have no answer yet",
    file: "client/src/engine/suspects.ts",
    from: `if (beside) return [];`,
    to: ``,
    breaks: "OB39",
    scenario: "S27",
    by: `${suspects} > [OB39] [OB44] it leaves only when`,
  },
  {
    name: "hold a message after three ends where messages that had ended as many arrived",
    file: "client/src/engine/suspects.ts",
    from: `proof = Math.min(proof + 1, MOST_PROOF);`,
    to: `proof = PROOF;`,
    breaks: "OB45",
    scenario: "S27",
    by: `${suspects} > [OB45] where one that had ended`,
  },
  {
    name: "send something new beside a doubted message",
    file: "client/src/engine/outbox.ts",
    from: `else free.push(entry);`,
    to: `else send(entry, queue);`,
    breaks: "OB44",
    scenario: "S27",
    by: "client/src/engine/outbox.test.ts > [OB44] beside a doubted one nothing leaves",
  },
];
