// Mistakes that the tests beside their files have found, or would: in the SQLite log, in definitions, and in the checker
// itself, which must be able to fail. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const besideMutants = [
  {
    name: "look through all sessions for those that are too old",
    file: "server/src/log/sqlite/reader.ts",
    from: ` INDEXED BY sessions_by_use`,
    to: ``,
    breaks: "LG45",
    scenario: "",
    by: "server/src/log/sqlite/reader.test.ts > [LG45] no question goes through",
  },
  {
    name: "take for a position what only looks like a number",
    file: "server/src/log/position.ts",
    from: ` && String(number) === position`,
    to: ``,
    breaks: "LG39",
    scenario: "",
    by: "server/src/log/position.test.ts > [LG39]",
  },
  {
    name: "throw the engine's own error for a message that is null",
    file: "shared/src/wiring/define.ts",
    from: `serverOnlyMark in Object(messages[type])`,
    to: `serverOnlyMark in (messages[type] as object)`,
    breaks: "WR3",
    scenario: "",
    by: "shared/src/dev/define-checks.test.ts > [WR3] a schema may be a function",
  },
  {
    name: "let one step that changes nothing undo every group of its job",
    file: "server/src/log/sqlite/executor.ts",
    from: `return made.attempt(jobs, true);`,
    to: `return jobs.map((job) => ({ given: job.map(() => null) }));`,
    breaks: "SQ3",
    scenario: "",
    by: "server/src/log/sqlite/executor.test.ts > a step that must change something",
  },
  {
    name: "let the checker take a message that is shown twice",
    file: "testing/src/history/check-views.ts",
    from: `return own < 0 ? places : places.slice(0, own);`,
    to: `return places;`,
    breaks: "HC7",
    scenario: "",
    by: "testing/src/history/check-views.test.ts > has none of what is pending twice",
  },
  {
    name: "let the checker take an acknowledgement from before the append",
    file: "testing/src/history/check-outcomes.ts",
    from: `tip.sequence >= told.sequence`,
    to: `tip.sequence >= 0`,
    breaks: "HC4",
    scenario: "",
    by: "testing/src/history/check-outcomes.test.ts > is in the log where it is said to be",
  },
];
