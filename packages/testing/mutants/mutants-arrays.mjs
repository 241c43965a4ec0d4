// Mistakes with messages, which are an array wherever they are not just given by the app; and with what a code's table
// knows.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const arrayMutants = [
  {
    name: "take what is no array for messages",
    file: "shared/src/wire/guard.ts",
    from: `return Array.isArray;`,
    to: `return () => true;`,
    breaks: "PR8",
    scenario: "S29",
    by: "shared/src/wire/protocol.test.ts > [PR8]",
  },
  {
    name: "carry the messages behind the first that is not plain as they are",
    file: "shared/src/wire/payloads.ts",
    from: `while (++i < items.length) all.push(map(items[i]!));`,
    to: `all.push(...items.slice(i + 1));`,
    breaks: "PR4",
    scenario: "S45",
    by: "shared/src/wire/protocol.test.ts > [PR4] payloads, and only they",
  },
  {
    name: "let an author push no messages, which says that it has gone",
    file: "server/src/app/handlers.ts",
    from: `if (length > 0) return undefined;`,
    to: `if (length >= 0) return undefined;`,
    breaks: "EP5",
    scenario: "",
    by: "server/src/target/ephemeral-topic.test.ts > [EP3] S15",
  },
  {
    name: "show a newcomer all messages of the last dispatch, and not the last one",
    file: "server/src/target/ephemeral-topic.ts",
    from: `messages.slice(-1)`,
    to: `messages`,
    breaks: "EP5",
    scenario: "",
    by: "server/src/target/ephemeral-topic.test.ts > [EP5]",
  },
  {
    name: "take the server's dispatch of no messages for a mid that was given up",
    file: "server/src/target/batch.ts",
    from: `intent.messages.length === 0 && intent.author !== null`,
    to: `intent.messages.length === 0`,
    breaks: "SV4",
    scenario: "",
    by: "server/src/server-topic.test.ts > [SV4] a dispatch of no messages",
  },
  {
    name: "tell an author that its message was applied as it was sent, where it was amended",
    file: "client/src/engine/outbox.ts",
    from: `messages: amended.length > 0 ? amended : sent`,
    to: `messages: sent`,
    breaks: "RB2",
    scenario: "S9",
    by: "client/test/outcomes.test.ts > [RB2] S9 the caller receives the amended message",
  },
  {
    name: "let everybody come back, whatever the table says of the code",
    file: "server/src/base/ending.ts",
    from: `retryable: closingCodes[end].retryable`,
    to: `retryable: true`,
    breaks: "PR9",
    scenario: "S25",
    by: "server/src/base/ending.test.ts > [PR9] Closing",
  },
];
