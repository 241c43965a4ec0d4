// Mistakes of the conformance kit about presence, and about what may be heard in one order or another. As in mutants.mjs.

const run = "conformance/src/run/run-checks.test.ts";
const replay = "conformance/src/replay/replay.test.ts > [KT3] takes what floats before or behind an answer";
const list = "conformance/src/checks/presence-list.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const kitPresenceMutants = [
  {
    name: "take two refs of presence for one",
    file: "conformance/src/replay/forms.ts",
    from: `if (!name.includes(":") || known.has(name)) continue;`,
    to: `if (!name.startsWith("token:") || known.has(name)) continue;`,
    breaks: "KT12",
    scenario: "",
    by: `${run} > [KT12] fails exactly the checks that have it: a phx_ref`,
  },
  {
    name: "let what floats come in any order among itself and past the next deed",
    file: "conformance/src/replay/order.ts",
    from: `    if (other.stretch !== first.stretch) break;\n`,
    to: ``,
    breaks: "KT3",
    scenario: "",
    by: "conformance/src/replay/order.test.ts > [KT3] lets what floats come before or behind",
  },
  {
    name: "wait for a diff where it was recorded only",
    file: "conformance/src/replay/order.ts",
    from: `return [first, other];`,
    to: `return [first];`,
    breaks: "KT3",
    scenario: "",
    by: replay,
  },
  {
    name: "miss what need not come",
    file: "conformance/src/replay/order.ts",
    from: `left.every(({ hearing }) => hearing.maybe)`,
    to: `left.length === 0`,
    breaks: "KT3",
    scenario: "",
    by: replay,
  },
  {
    name: "take what need not come for what must",
    file: "conformance/src/replay/replay.ts",
    from: `return wrong === undefined && !isComplete(left);`,
    to: `return false;`,
    breaks: "KT3",
    scenario: "",
    by: replay,
  },
  {
    name: "drop a conversation whose answers came in the other order",
    file: "conformance/src/stub/play.ts",
    from: `of mayComeNext(this.#left(who))`,
    to: `of this.#left(who).slice(0, 1)`,
    breaks: "KT9",
    scenario: "",
    by: "conformance/src/stub/stage.test.ts > [KT9] has under a client's names whatever it goes on to",
  },
  {
    name: "forget the diffs that come before the state",
    file: "conformance/src/checks/presence-list.ts",
    from: `return void this.#early.push(diff);`,
    to: `return;`,
    breaks: "KT12",
    scenario: "",
    by: `${list} > keeps diffs that come before the state`,
  },
  {
    name: "end all metas of a key with one",
    file: "conformance/src/checks/presence-list.ts",
    from: `filter(([ref]) => !metas.has(ref))`,
    to: `filter(() => false)`,
    breaks: "KT12",
    scenario: "",
    by: `${list} > comes by diffs to what the server lists`,
  },
  {
    name: "let what comes too late pass for a whole conversation",
    file: "conformance/src/replay/replay.ts",
    from: `else if (!(await run.caughtUp())) return run.differences();`,
    to: `else if (!(await run.caughtUp())) break;`,
    breaks: "KT1",
    scenario: "",
    by: "conformance/src/replay/replay.test.ts > [KT1] tells what came too late",
  },
  {
    name: "wait for Calla's one diff where it may say two",
    file: "conformance/src/run/run-checks.ts",
    from: `    if (difference?.alsoAsRecorded === true) orders.push(steps, ...or);\n`,
    to: ``,
    breaks: "KT3",
    scenario: "",
    by: `${run} > [KT3] takes what was recorded where Calla may answer so`,
  },
];
