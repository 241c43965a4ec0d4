// Mistakes with what grows: topics that age, lists, removals of many. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const growthMutants = [
  {
    name: "subscribe a client before the log knows that its topic is in use",
    file: "server/src/hub/catch-up.ts",
    from: `    if (this.#expiry.mustHold(live)) {
      const held = await this.#hold(live);
      if (!current()) return "outdated";
      if (!held) return live.failure;
    }
`,
    to: ``,
    breaks: "LT6",
    scenario: "",
    by: "server/test/topic-lifetimes.test.ts > [LT6] [LT8] nobody is subscribed while",
  },
  {
    name: "remove an idle topic without comparing",
    file: "server/src/target/expiry.ts",
    from: `if (await log.remove(target, clock.now(), before)) gone.push(target);`,
    to: `if (await log.remove(target, clock.now())) gone.push(target);`,
    breaks: "LT6",
    scenario: "",
    by: "server/test/topic-lifetimes.test.ts > [LT6] what was written to since",
  },
  {
    name: "believe a clock that is an hour ahead",
    file: "server/src/target/expiry.ts",
    from: `const before = clock.now() - lifetime - HOUR;`,
    to: `const before = clock.now() - lifetime;`,
    breaks: "LT6",
    scenario: "",
    by: "server/test/topic-lifetimes.test.ts > [LT6] a topic that nobody subscribes to",
  },
  {
    name: "remove by pattern what has subscribers, though only what is unused was asked for",
    file: "server/src/server-topics.ts",
    from: `  if (before !== undefined && live?.audience.empty === false) return false;
`,
    to: ``,
    breaks: "SV10",
    scenario: "",
    by: "server/test/topic-lifetimes.test.ts > [SV10] only what nobody has used",
  },
];
