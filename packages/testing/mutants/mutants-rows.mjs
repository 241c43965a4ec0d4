// Mistakes with outcomes as rows of their own: written once, kept until they are settled, gone with their client. As in
// mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const rowMutants = [
  {
    name: "write every outcome again that is not settled",
    file: "server/src/client-row.ts",
    from: `outcomes: outcomes.slice(outcomes.length - fresh),`,
    to: `outcomes: outcomes.slice(),`,
    breaks: "LG48",
    scenario: "S34",
    by: "server/src/client-row.test.ts > [LG48] what is written",
  },
  {
    name: "count an outcome that is settled already as new",
    file: "server/src/client-row.ts",
    from: `  row.fresh = Math.min(row.fresh, row.outcomes.length);
`,
    to: ``,
    breaks: "LG48",
    scenario: "S34",
    by: "server/src/client-row.test.ts > [LG48] an outcome that is settled in the batch",
  },
  {
    name: "go on weighing what has been settled",
    file: "server/src/client-row.ts",
    from: `row.weight -= weightOf(row.outcomes[known++]!);`,
    to: `known++;`,
    breaks: "TE9",
    scenario: "S34",
    by: "server/src/client-row.test.ts > [TE9] a row weighs",
  },
  {
    name: "let a memory log keep what is settled",
    file: "server/src/log-memory-rows.ts",
    from: `  if (gone > 0) kept.outcomes.splice(0, gone);
`,
    to: ``,
    breaks: "LG48",
    scenario: "S34",
    by: "server/src/log-memory.test.ts > [LG48]",
  },
  {
    name: "let what is settled go back",
    file: "server/src/log-memory-rows.ts",
    from: `kept.settled = Math.max(kept.settled, settled);`,
    to: `kept.settled = settled;`,
    breaks: "LG48",
    scenario: "",
    by: "server/src/log-memory.test.ts > [LG48] new outcomes",
  },
  {
    name: "write short outcomes over those in a client's row that it has not settled",
    file: "server/src/sqlite/jobs.ts",
    from: `(settled < was || decided.length > SHORT)`,
    to: `decided.length > SHORT`,
    breaks: "LG48",
    scenario: "S34",
    by: "server/src/sqlite/sqlite.test.ts > [LG48] new outcomes",
  },
  {
    name: "forget that a client has outcomes apart",
    file: "server/src/sqlite/statements.ts",
    from: `more = excluded.more OR (clients.more AND excluded.settled < clients.last),`,
    to: `more = excluded.more,`,
    breaks: "LG48",
    scenario: "S34",
    by: "server/src/sqlite/sqlite.test.ts > [LG48]",
  },
  {
    name: "leave an expired client's outcomes to the next of its name",
    file: "server/src/sqlite/tables.ts",
    from: `DELETE FROM clients WHERE target = old.target AND client = old.client;`,
    to: `SELECT 1;`,
    breaks: "LG48",
    scenario: "",
    by: "server/src/sqlite/sqlite.test.ts > [LG48] [LG35]",
  },
  {
    name: "leave settled outcomes in the file",
    file: "server/src/sqlite/tables.ts",
    from: `AND mid <= new.settled;`,
    to: `AND mid < 0;`,
    breaks: "LG48",
    scenario: "",
    by: "server/src/sqlite/outcomes.test.ts > [LG48] what is settled leaves the file",
  },
];
