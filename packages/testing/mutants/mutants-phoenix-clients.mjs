// What phoenix.js, in the versions that are out there, must not meet.

const CHANNELS = "server/src/channels";
const SOCKET = `${CHANNELS}/engine/phoenix-socket.ts`;
const SOCKET_TEST = `${CHANNELS}/engine/phoenix-socket.test.ts`;

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const phoenixClientMutants = [
  {
    name: "keep a join going that its client has left",
    file: SOCKET,
    from: `message.event === "phx_leave" && this.#givesUp(pending, message)`,
    to: `false`,
    breaks: "JN32",
    scenario: "",
    by: `${SOCKET_TEST} > [JN32]`,
    fast: true,
  },
  {
    name: "end a join by a leave that overtakes what was said before it",
    file: SOCKET,
    from: `if (held.length > 0 || this.#context.strictPhoenix) return false;`,
    to: `if (this.#context.strictPhoenix) return false;`,
    breaks: "JN32",
    scenario: "",
    by: `${SOCKET_TEST} > [JN32]`,
  },
  {
    name: "take a hundred messages of a POST, where an old client says all of a turn in one",
    file: `${CHANNELS}/transports/longpoll/body.ts`,
    from: `strict ? PHOENIX_LINES : MOST_LINES`,
    to: `PHOENIX_LINES`,
    breaks: "LP8",
    scenario: "",
    by: `${CHANNELS}/transports/longpoll/longpoll.test.ts > [LP8] of too many lines`,
  },
];
