// Mistakes of a client whose network, browser or server goes away and comes back. As in mutants.mjs.

const conversation = "client/test/conversation.test.ts";
const mistakes = "client/src/dev/mistakes.test.ts";
const indexedDb = "client/test/indexeddb.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const wakeMutants = [
  {
    name: "keep a connection to the database that is dead",
    file: "client/src/tabs/stores/indexeddb-store.ts",
    from: `if (!lasts || otherwise === unavailable) forget(mine);`,
    to: ``,
    breaks: "TB12",
    scenario: "S19",
    by: `${indexedDb} > [TB12] transaction() throws UnknownError`,
  },
  {
    name: "take a forgetting that was done unheard for data that was thrown away",
    file: "client/src/tabs/claimed-client.ts",
    from: `goes ? [token, undefined] : [token]`,
    to: `[token]`,
    breaks: "TB12",
    scenario: "S19",
    by: `${indexedDb} > [TB12] [OB12] [TB18] transactions end with an abort, though all was done`,
  },
  {
    name: "take every connection that was let in for a success",
    file: "client/src/connection/connection.ts",
    from: `clock.monotonic() - since >= enough) delays.reset();`,
    to: `clock.monotonic() - since >= 0) delays.reset();`,
    breaks: "CL2",
    scenario: "S22",
    by: `${conversation} > [CL2] attempts back off`,
  },
  {
    name: "do not believe the server how widely to spread a loss",
    file: "client/src/connection/connection.ts",
    from: `spread = frame.spread ?? 0;`,
    to: ``,
    breaks: "CL22",
    scenario: "S22",
    by: `client/test/herd.test.ts > [CL22] a server that says to spread over hours`,
  },
  {
    name: "leave who came early with what was told to a few",
    file: "server/src/connection/herd.ts",
    from: `      this.pong(conversation);
    }`,
    to: `    }`,
    breaks: "CV19",
    scenario: "S22",
    by: `server/src/connection/herd.test.ts > [CV19] Connected says it`,
  },
  {
    name: "tell a mistake at every attempt",
    file: "client/src/connection/connection.ts",
    from: `if (cause && blamed !== reason) mistaken`,
    to: `if (cause) mistaken`,
    breaks: "CL24",
    scenario: "S20",
    by: `${mistakes} > [CL24] onError hears a mistake once until it changes`,
  },
  {
    name: "take a restart of a server that was met for a mistake",
    file: "client/src/dev/mistakes.ts",
    from: `if (MET.has(transport) && status !== 415) return undefined;`,
    to: ``,
    breaks: "CL24",
    scenario: "S20",
    by: `${mistakes} > [CL24] [CL53] who has met the server once is not told of its restarts`,
  },
  {
    name: "end a refused client without a word to onError",
    file: "client/src/connection/connection.ts",
    from: `mistaken(new CallaError("transport", { reason }, dismissal(reason)), true);`,
    to: ``,
    breaks: "CL24",
    scenario: "S17",
    by: `${mistakes} > [CL24] [CL12] [CL53] a server that will not have the client back`,
  },
  {
    name: "report the same foreign origin with every request",
    file: "server/src/base/mistakes.ts",
    from: `|| told.has(sentence)) return;`,
    to: `) return;`,
    breaks: "SV11",
    scenario: "S17",
    by: `server/src/base/mistakes.test.ts > [SV11] a page of another origin`,
  },
];
