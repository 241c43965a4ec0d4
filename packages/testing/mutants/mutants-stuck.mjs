// Mistakes with messages that end connections, and with what much that is pending holds. As in mutants.mjs.

const poison = "client/test/poison.test.ts";
const many = "client/test/many-pending.test.ts";
const rebase = "client/src/rebase.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const stuckMutants = [
  {
    name: "hold a message without asking whether the line works at all",
    file: "client/src/suspects.ts",
    from: `if (answers >= ANSWERS << strikes && left <= 0) return true;`,
    to: `if (left > -1) return true;`,
    breaks: "OB20",
    scenario: "S21",
    by: `${poison} > [OB20] S21`,
  },
  {
    name: "forget on a reload that a message is held",
    file: "client/src/dispatch.ts",
    from: `...(held ? { held } : {})`,
    to: ``,
    breaks: "OB20",
    scenario: "S20",
    by: `${poison} > [OB20] S20 a held message`,
  },
  {
    name: "send what stands behind a held message",
    file: "client/src/outbox.ts",
    from: `if (entry.stage === "new" || entry.held || entry.mid >= end) break;`,
    to: `if (entry.held) continue;
        if (entry.stage === "new" || entry.mid >= end) break;`,
    breaks: "OB20",
    scenario: "S26",
    by: `${poison} > [OB20] S26`,
  },
  {
    name: "tell a cancelled message's author so before the server has said what became of it",
    file: "client/src/holding.ts",
    from: `    entry.dropped = error;
    entry.message = null;`,
    to: `    entry.outcome = { error };
    entry.message = null;`,
    breaks: "OB20",
    scenario: "",
    by: `${poison} > [OB20] [HC3]`,
  },
  {
    name: "end for good when the server will not have a message",
    file: "client/src/sync.ts",
    from: `mine.open && ABOUT_FRAMES.has(frame.code)`,
    to: `false && ABOUT_FRAMES.has(frame.code)`,
    breaks: "OB13",
    scenario: "S29",
    by: `${poison} > [OB20] [OB13] S29`,
  },
  {
    name: "take a message that no server takes",
    file: "client/src/runtime.ts",
    from: `    checkFits(serialiser, taken, entry);`,
    to: ``,
    breaks: "OB21",
    scenario: "S29",
    by: `${poison} > [OB21] S29`,
  },
  {
    name: "give up what a proxy refuses",
    file: "client/src/transports/http-link.ts",
    from: `frame["message"] === null || code === undefined)`,
    to: `frame["message"] === null)`,
    breaks: "OB20",
    scenario: "S26",
    by: "client/src/transports/http-link.test.ts > [HT8] [OB20]",
  },
  {
    name: "keep every predicted model",
    file: "client/src/room.ts",
    from: `if (count >= MAX_MODELS) return 0;`,
    to: ``,
    breaks: "RB10",
    scenario: "S20",
    by: `${rebase} > [RB10] S20 of many predictions`,
  },
  {
    name: "compute nothing anew where a predicted model was not kept",
    file: "client/src/rebase.ts",
    from: `head.model ?? predicted(model, head.entry, fold, same)`,
    to: `head.model ?? model`,
    breaks: "RB3",
    scenario: "S20",
    by: `${rebase} > [RB10] S20 of many predictions`,
  },
  {
    name: "list what is pending for every state",
    file: "client/src/target.ts",
    from: `  listings.set(state, listing);`,
    to: `  listings.set(state, listing);
  listed(listing);`,
    breaks: "RB10",
    scenario: "S20",
    by: `${many} > [RB10] S20 a dispatch walks`,
  },
  {
    name: "make a topic stale by one's own acknowledgement",
    file: "client/src/receiver.ts",
    from: `one.owed = Math.max(one.owed, sequence);`,
    to: `one.head = Math.max(one.head, sequence);`,
    breaks: "CL9",
    scenario: "S26",
    by: "client/test/conversation.test.ts > [CL9] [HT13] S26",
  },
  {
    name: "leave topics loading when the client is refused for good",
    file: "client/src/target.ts",
    from: `const code = subscription.code || (isFollowed(subscription) ? ended : "");`,
    to: `const { code } = subscription;`,
    breaks: "CL30",
    scenario: "",
    by: "client/test/terminal.test.ts > [CL30] S17",
  },
  {
    name: "give the promise of before connect() again",
    file: "client/src/topic.ts",
    from: `(one.ready.verdict !== undefined && one.ready.verdict !== verdictOf(state()))`,
    to: `false`,
    breaks: "CL31",
    scenario: "",
    by: "client/test/terminal.test.ts > [CL31] ready rejects with the code",
  },
];
