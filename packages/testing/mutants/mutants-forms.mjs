// What a page for production must still look at in a server's frame, and what becomes of one that it does not take.

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
];
