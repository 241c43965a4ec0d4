// Mistakes of the replay that would let a server pass which is not as it was recorded, and mistakes of the server that only the
// recordings of Phoenix notice. As in mutants.mjs.

const replay = "conformance/src/replay/replay.test.ts";
const conformance = "server/test/phoenix/conformance.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const recordingMutants = [
  {
    name: "take any close code for the recorded one",
    file: "conformance/src/replay/compare.ts",
    from: `heard.heard === "close" && heard.code === hearing.code`,
    to: `heard.heard === "close"`,
    breaks: "RC1",
    scenario: "",
    by: `${replay} > tells one close code from another`,
  },
  {
    name: "overlook what is heard beyond the recording",
    file: "conformance/src/replay/replay.ts",
    from: `if (is === undefined) return { left, wrong: at };`,
    to: `if (is === undefined) return { left };`,
    breaks: "RC1",
    scenario: "",
    by: `${replay} > tells the first difference`,
  },
  {
    name: "say everything at once in a replay",
    file: "conformance/src/replay/replay.ts",
    from: `else if (!(await run.caughtUp())) return run.differences();`,
    to: ``,
    breaks: "RC1",
    scenario: "",
    by: `${replay} > says a thing once everything has been heard`,
  },
  {
    name: "overlook that an answer came before its time",
    file: "conformance/src/replay/compare.ts",
    from: `heard.ms - since < hearing.after * EARLY`,
    to: `false`,
    breaks: "RC1",
    scenario: "",
    by: `${replay} > holds an answer that came too early`,
  },
  {
    name: "overlook fields that Phoenix does not send",
    file: "conformance/src/replay/forms.ts",
    from: `Object.keys(expected).length === entries.size &&`,
    to: ``,
    breaks: "RC1",
    scenario: "",
    by: "conformance/src/replay/forms.test.ts > compares JSON by value",
  },
  {
    name: "write a status that is no text",
    file: "server/src/channels/definition/results.ts",
    from: `if (typeof first !== "string") throw`,
    to: `if (false) throw`,
    breaks: "RC1",
    scenario: "",
    by: `${conformance} > LV13: A channel in which the app fails`,
  },
  {
    name: "show an app other subprotocols than the client wrote",
    file: "server/src/channels/transports/handshake.ts",
    from: `others === offered ? headers : withProtocols(headers, others)`,
    to: `withProtocols(headers, others)`,
    breaks: "RC1",
    scenario: "",
    by: `${conformance} > CN35: Two tokens are none`,
  },
];
