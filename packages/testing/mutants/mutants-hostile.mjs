// Mistakes by which one client, or the app's own code, holds, repeats or hides more than it may. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const hostileMutants = [
  {
    name: "keep a message's ref, however long it is",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `if (isTooLong(ref)) return this.#tooLong(message, "The message's ref is too long.");`,
    to: ``,
    breaks: "MS35",
    scenario: "",
    by: "server/src/channels/engine/bounds.test.ts > [MS35] of more than",
  },
  {
    name: "take raw frames that nothing was paid for",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `if (!this.#pays()) return this.#refused("rate", undefined, { rate: "messageRate" });`,
    to: ``,
    breaks: "MS26",
    scenario: "",
    by: "server/src/channels/engine/bounds.test.ts > [MS26] [MS33] pay for messages",
  },
  {
    name: "leave the channels of a malformed frame's connection until its peer answers",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `return this.close(code, "malformed");`,
    to: `return this.connection.close(code, "malformed");`,
    breaks: "LV19",
    scenario: "",
    by: "server/src/channels/engine/reentrance.test.ts > [LV19] a malformed frame's connection",
  },
  {
    name: "let a server's stop leave a drain of the channels under way",
    file: "server/src/channels/channels.ts",
    from: `    await sockets.drain(over);\n`,
    to: `    house.guests.delete(guest);\n    await sockets.drain(over);\n`,
    breaks: "DC11",
    scenario: "",
    by: "server/src/channels/channels.test.ts > [DC11] the server's stop ends a drain",
  },
  {
    name: "leave who has gone within the close wired in",
    file: "server/src/channels/connect-socket.ts",
    from: `if (gone) wired.disconnect();`,
    to: ``,
    breaks: "DC15",
    scenario: "",
    by: "server/src/channels/connect-socket.test.ts > [DC15] a library may tell the end",
  },
];
