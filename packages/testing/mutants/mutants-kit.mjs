// Mistakes of the conformance kit: a runner that lets a server pass which is wrong, a stub that answers what Phoenix did not.
// As in mutants.mjs.

const run = "conformance/src/run/run-checks.test.ts";
const stage = "conformance/src/stub/stage.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const kitMutants = [
  {
    name: "let a check pass whose conversation failed",
    file: "conformance/src/run/run-checks.ts",
    from: `if (failures.length > 0) return { ...base, outcome: "failed", failures };`,
    to: ``,
    breaks: "KT1",
    scenario: "",
    by: `${run} > [KT1] plays a conversation of several checks once`,
  },
  {
    name: "run on against a server that is gone",
    file: "conformance/src/run/run-checks.ts",
    from: `if (own === undefined && this.#gone !== undefined) return`,
    to: `if (false) return`,
    breaks: "KT7",
    scenario: "",
    by: `${run} > [KT7] leaves the rest, once the server is gone`,
  },
  {
    name: "take a mount that is unknown for one that is there",
    file: "conformance/src/run/probe.ts",
    from: `answer === undefined || answer.status === 404`,
    to: `answer === undefined`,
    breaks: "KT2",
    scenario: "",
    by: "conformance/src/run/probe.test.ts > [KT2] names what a server lacks",
  },
  {
    name: "end well though the server lacks a part",
    file: "conformance/src/report/exit-code.ts",
    from: `outcome === "failed" || lacking === true`,
    to: `outcome === "failed"`,
    breaks: "KT5",
    scenario: "",
    by: "conformance/src/report/exit-code.test.ts > [KT5] is 1 for what failed",
  },
  {
    name: "let two recorded names stand for one of the client's",
    file: "conformance/src/stub/names.ts",
    from: `if ([...known.values()].includes(actual)) return false;`,
    to: ``,
    breaks: "KT9",
    scenario: "",
    by: "conformance/src/stub/names.test.ts > [KT9] keeps names from frame to frame",
  },
  {
    name: "begin another conversation on a topic that is joined",
    file: "conformance/src/stub/stage.ts",
    from: `const fresh = mayBegin ? this.#fresh(line, take) : [];`,
    to: `const fresh = this.#fresh(line, take);`,
    breaks: "KT9",
    scenario: "",
    by: `${stage} > [KT9] lets a topic begin again once it was refused or closed`,
  },
  {
    name: "say a thing before what it is an answer to",
    file: "conformance/src/stub/play.ts",
    from: `if (!next.causes.every((cause) => this.#done.has(cause))) continue;`,
    to: ``,
    breaks: "KT8",
    scenario: "",
    by: "conformance/src/stub/play.test.ts > says nothing before its cause",
  },
];
