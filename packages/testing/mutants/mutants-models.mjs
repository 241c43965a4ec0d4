// The mistakes that a client must not make with stored models and another user's data; mutants.mjs says what these are.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const modelMutants = [
  // -------------------------------------------------------------------------------------------- client: stored models
  {
    name: "store a model before the outcomes that it contains: shown twice after a crash",
    file: "client/src/storage/ledger.ts",
    from: `    if (!ready || busy) return;`,
    to: `    if (!ready || busy) return;
    if (failed === undefined && changes.length > 0) storeModels(true);
    if (busy) return;`,
    breaks: "OB10",
    scenario: "S44",
    by: "HC7",
    fast: true,
  },
  {
    name: "let a settled entry go that the stored model lacks",
    file: "client/src/storage/storage.ts",
    from: `const needed = (models.get(target)?.sequence ?? sequence) < sequence;`,
    to: `const needed = models.has(target) && sequence < 0;`,
    breaks: "OB6",
    scenario: "S44",
    by: "HC8",
  },
  {
    name: "show a stored model without the settled entries that it lacks",
    file: "client/src/storage/ledger.ts",
    from: `found.settled.map((entry)`,
    to: `found.settled.slice(0, 0).map((entry)`,
    breaks: "OB10",
    scenario: "S44",
    by: "HC8",
  },
  {
    name: "tell an outcome again on the next page",
    file: "client/src/engine/outcomes.ts",
    from: `if (!outcome || !entry.recorded || entry.told || entry.shown) return;`,
    to: `if (!outcome || !entry.recorded || entry.shown) return;`,
    breaks: "OB11",
    scenario: "S6",
    by: "HC1",
  },
  {
    name: "adopt what another user has stored",
    file: "client/src/storage/ledger.ts",
    from: `if ((stored.user ?? null) !== user) return true;`,
    to: ``,
    breaks: "CL8",
    scenario: "S41",
    by: "client/test/models.test.ts > [OB10] [CL8] S41 another user",
  },
  {
    name: "send as another user what waits in the first's storage",
    file: "client/src/engine/greeting.ts",
    from: `stays || (out && mid < conflict)`,
    to: `out && mid < conflict`,
    breaks: "CL8",
    scenario: "S41",
    by: "client/test/models.test.ts > [CL8] [CL41] S41 a page that took",
  },
  {
    name: "keep a stored model of what is refused now",
    file: "client/src/engine/incoming.ts",
    from: `core.ledger?.drop(target);`,
    to: ``,
    breaks: "OB10",
    scenario: "S16",
    by: "client/test/models.test.ts > [OB10] [OB27] what is refused",
  },
  {
    name: "keep on top of a stored model what was of a history that is cut off",
    file: "client/src/storage/kept-models.ts",
    from: `if (former?.settled.some(({ sequence = 0 }) => sequence > model.sequence) || unwanted.delete(target))`,
    to: `if (unwanted.delete(target))`,
    breaks: "OB10",
    scenario: "S37",
    by: "client/test/models.test.ts > [OB10] a history that was replaced",
  },
];
