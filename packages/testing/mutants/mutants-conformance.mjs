// Mistakes of the conformance kit, by which a server would pass that should not, or fail that should not, or a rule would be
// lost. As in mutants.mjs.

const kit = "server/test/phoenix/conformance.test.ts";
const table = "conformance/src/checks/table.test.ts";
const forms = "conformance/src/replay/forms.test.ts";
const replay = "conformance/src/replay/replay.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const conformanceMutants = [
  {
    name: "ask Calla for Phoenix's answers in Calla's own mode",
    file: "conformance/src/run/run-checks.ts",
    from: `this.#mode === "calla" ? this.#differences[differing] : undefined`,
    to: `undefined`,
    breaks: "RC4",
    scenario: "",
    by: `${kit} > [RC4] MS14`,
  },
  {
    name: "ask every server for the rules that are Calla's own",
    file: "conformance/src/run/run-checks.ts",
    from: `check.only === "calla" && this.#mode === "strict"`,
    to: `false`,
    breaks: "RC1",
    scenario: "",
    by: `${kit} > [RC3] JN27`,
  },
  {
    name: "keep asking when a client gives up its request",
    file: "conformance/src/replay/replay.ts",
    from: `line.giveUp?.();\n        return line.peer?.vanish();`,
    to: `return line.peer?.vanish();`,
    breaks: "RC4",
    scenario: "",
    by: `${kit} > [RC4] LP31a`,
  },
  {
    name: "lose the rules of broadcasts from the table",
    file: "conformance/src/checks/table.ts",
    from: `  ...broadcastChecks,\n`,
    to: ``,
    breaks: "RC4",
    scenario: "",
    by: `${table} > has a check for each rule of the wire`,
  },
  {
    name: "forget a recorded conversation",
    file: "conformance/src/checks/joining.ts",
    from: `"join-exit", "join-throw", "join-bad-return"`,
    to: `"join-exit", "join-bad-return"`,
    breaks: "RC1",
    scenario: "",
    by: `${table} > uses every recorded conversation`,
  },
  {
    name: "overlook the headers that let other sites' pages poll",
    file: "conformance/src/replay/compare.ts",
    from: `EXACT.every((name) => headers[name] === expected[name]) &&`,
    to: ``,
    breaks: "RC1",
    scenario: "",
    by: `${replay} > knows a token from the answer that had it`,
  },
  {
    name: "take the token of a session for another session's",
    file: "conformance/src/replay/forms.ts",
    from: `if ([...known.values()].includes(found[i + 1] ?? "")) return false;`,
    to: ``,
    breaks: "RC1",
    scenario: "",
    by: `${forms} > matches texts by their forms`,
  },
];
