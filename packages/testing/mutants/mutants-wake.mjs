// Mistakes of a client whose network, browser or server goes away and comes back. As in mutants.mjs.

const conversation = "client/test/conversation.test.ts";
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
    name: "take every connection that was let in for a success",
    file: "client/src/sync.ts",
    from: `Math.max(baseMilliseconds, enough)) delays.reset();`,
    to: `0) delays.reset();`,
    breaks: "CL2",
    scenario: "S22",
    by: `${conversation} > [CL2] attempts back off`,
  },
  {
    name: "do not believe the server how widely to spread a loss",
    file: "client/src/sync.ts",
    from: `spread = frame.spread ?? 0;`,
    to: ``,
    breaks: "CL22",
    scenario: "S22",
    by: `client/test/herd.test.ts > [CL22] a server that says to spread over hours`,
  },
  {
    name: "leave who came early with what was told to a few",
    file: "server/src/herd.ts",
    from: `      this.pong(conversation);
    }`,
    to: `    }`,
    breaks: "CV19",
    scenario: "S22",
    by: `server/src/herd.test.ts > [CV19] Connected says it`,
  },
];
