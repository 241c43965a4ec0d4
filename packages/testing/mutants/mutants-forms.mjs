// What a page for production must still look at in a server's frame, what becomes of one that it does not take, and what
// carries them over HTTP.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const formMutants = [
  {
    name: "take tuples of any length in production",
    file: "shared/src/guards-off/frames.ts",
    from: `row.length === form.length &&`,
    to: ``,
    breaks: "CL58",
    scenario: "S29",
    by: "shared/src/guards-off/frames.test.ts > [CL58] production takes a frame as the guards do",
  },
  {
    name: "take counts below 0 in production",
    file: "shared/src/guards-off/frames.ts",
    from: `(value as number) < 0`,
    to: `(value as number) < -(2 ** 53)`,
    breaks: "CL58",
    scenario: "S29",
    by: "shared/src/guards-off/frames.test.ts > [CL58] production takes a frame as the guards do",
  },
  {
    name: "look at half the fields in production",
    file: "shared/src/guards-off/frames.ts",
    from: `i % 2 ||`,
    to: `i % 4 ||`,
    breaks: "CL58",
    scenario: "S29",
    by: "shared/src/guards-off/frames.test.ts > [CL58] production takes a frame as the guards do",
  },
  {
    name: "run an update for what is no message",
    file: "shared/src/updates/apply.ts",
    from: `isFields(message) && typeof message["type"] === "string"`,
    to: `message !== undefined`,
    breaks: "WR18",
    scenario: "S29",
    by: "shared/src/updates/apply.test.ts > [WR18] what a record holds in place of a message",
  },
  {
    name: "begin the delays anew after a connection that lasted until the same bad frame",
    file: "client/src/connection/connection.ts",
    from: `open && reason !== "unreadable" &&`,
    to: `open &&`,
    breaks: "CL59",
    scenario: "S29",
    by: "client/test/conversation.test.ts > [CL59] S29 the same bad frame",
  },
  {
    name: "take the frames of a packet one by one, up to the bad one",
    file: "client/src/connection/connection.ts",
    from: `const frames = [format.decode(data, FROM_SERVER)].flat().map(read);`,
    to: `const frames = [format.decode(data, FROM_SERVER)].flat().map((one) => (hear(one as ServerFrame), read(one)));`,
    breaks: "CL48",
    scenario: "S29",
    by: "client/src/connection/connection.test.ts > [CL48]",
  },
  {
    name: "keep the parts of a snapshot from one connection to the next",
    file: "client/src/connection/connection.ts",
    from: `    parts = [];
    link = undefined;`,
    to: `    link = undefined;`,
    breaks: "CL5",
    scenario: "",
    by: "client/src/connection/connection.test.ts > [CL5] parts of a snapshot that a connection",
  },
  {
    name: "say that it is open after the app has ended it",
    file: "client/src/connection/connection.ts",
    from: `    tell("open", "");
    const { clientId`,
    to: `    void Promise.resolve().then(() => tell("open", ""));
    const { clientId`,
    breaks: "CL23",
    scenario: "",
    by: "client/src/connection/connection.test.ts > an app that disconnects in onConnect",
  },
  {
    name: "leave the request of a stream open that is not wanted any more",
    file: "client/src/transports/http/carrier.ts",
    from: `        over = true;
        aborting.abort();`,
    to: `        over = true;`,
    breaks: "CL33",
    scenario: "S22",
    by: "client/src/transports/http/carrier.test.ts > [CL33] S22 a stream that was left",
  },
  {
    name: "say that fetch has failed, and not why",
    file: "client/src/transports/http/carrier.ts",
    from: "if (cause instanceof Error) return `${String(error)}: ${textOf(cause)}`;",
    to: ``,
    breaks: "CL57",
    scenario: "",
    by: "client/src/transports/http/carrier.test.ts > [CL57] why there was no answer",
  },
  {
    name: "tell what a chunk held after the stream was left",
    file: "client/src/transports/http/carrier.ts",
    from: `onEvent: ({ data }) => over || handlers.data(data),`,
    to: `onEvent: ({ data }) => handlers.data(data),`,
    breaks: "CL33",
    scenario: "S22",
    by: "client/src/transports/http/carrier.test.ts > [CL33] S22 a stream that was left",
  },
];
