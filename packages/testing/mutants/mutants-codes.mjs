// Mistakes of codes: what is Calla's, what is an app's, and what is anybody's text. As in mutants.mjs.

const conversation = "client/test/conversation.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const codesMutants = [
  {
    name: "say the app's own code as if it were one of Calla's",
    file: "server/src/identity/kick.ts",
    from: `code === undefined ? "disconnected" : \`app:\${code}\``,
    to: `(code ?? "disconnected")`,
    breaks: "AU18",
    scenario: "S17",
    by: "server/src/identity/kick.test.ts > hears the code and whether to come back",
  },
  {
    name: "show what a socket said as a code",
    file: "client/src/connection/connection.ts",
    from: `fail("", code, undefined, true, reason)`,
    to: `fail(reason as StatusReason, code, undefined, true, reason)`,
    breaks: "CL23",
    scenario: "S22",
    by: `${conversation} > [CL23] what is heard of a connection's end`,
  },
];
