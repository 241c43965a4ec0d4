// Mistakes in what Calla costs, and in the switch between development and production.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const costMutants = [
  {
    name: "be strict in production, by the option or NODE_ENV",
    file: "shared/src/dev-off/switch.ts",
    from: `strictness: typeof Development.strictness = () => false;`,
    to: `strictness: typeof Development.strictness = (option) => option ?? true;`,
    breaks: "WR27",
    scenario: "",
    by: "shared/src/dev/dev.test.ts > [WR27] [WR37] in production nothing is development",
  },
  {
    name: "let the option not override NODE_ENV",
    file: "shared/src/dev/switch.ts",
    from: `option ?? isDevelopment();`,
    to: `option !== false && isDevelopment();`,
    breaks: "WR27",
    scenario: "",
    by: "shared/src/dev/dev.test.ts > [WR27] [WR37] in production nothing is development",
  },
  {
    name: "sample the first message of a type too",
    file: "shared/src/dev/budget.ts",
    from: `if (cost !== undefined && cost >= CHEAP && saved < 0) return undefined;`,
    to: `if (saved < 0) return undefined;`,
    breaks: "WR32",
    scenario: "",
    by: "shared/src/dev/budget.test.ts > the first of each type is checked",
  },
  {
    name: "check every message, however dear",
    file: "shared/src/dev/budget.ts",
    from: `if (took >= CHEAP) saved -= took;`,
    to: ``,
    breaks: "WR32",
    scenario: "",
    by: "shared/src/dev/budget.test.ts > at 50 messages a second",
  },
  {
    name: "hash nothing that was frozen on the outside",
    file: "shared/src/dev/strict.ts",
    from: `if (loose && (kind === "array" || kind === "object")) known.set(value, true);`,
    to: `if (loose && (kind === "array" || kind === "object")) return false;`,
    breaks: "WR21",
    scenario: "",
    by: "shared/src/dev/budget.test.ts > [WR21] [WR32] [WR38] what cannot be frozen is hashed",
  },
  {
    name: "compare models with the ones before for each record of a frame",
    file: "client/src/engine/rebase.ts",
    from: `    if (head === undefined) {
      before ??= { model };`,
    to: `    if (head === undefined) {
      same(result.model, model);
      before ??= { model };`,
    breaks: "RB11",
    scenario: "",
    by: "client/test/compare.test.ts > [RB11] a subscriber compares a model",
  },
  {
    name: "remember that two models differ, whichever is asked about",
    file: "client/src/engine/compare.ts",
    from: `if (model === one && before === other && model !== before) return false;`,
    to: `if (model === one && model !== before) return false;`,
    breaks: "RB11",
    scenario: "",
    by: "client/test/compare.test.ts > [RB11]",
  },
  {
    name: "compare what is folded after one's own with the wrong model",
    file: "client/src/engine/rebase.ts",
    from: `if (before && asPredicted) model = kept(model, before.model, same);`,
    to: `if (before) model = before.model;`,
    breaks: "RB2",
    scenario: "",
    by: "client/test/compare.test.ts > [RB11] a subscriber compares a model",
  },
  {
    name: "give a word of the pool out twice",
    file: "client/src/base/clock.ts",
    from: `return pool[--left] ?? 0;`,
    to: `return pool[left-- >> 1] ?? 0;`,
    breaks: "RB1",
    scenario: "",
    by: "client/src/base/clock.test.ts > [RB1] chance is drawn",
  },
];
