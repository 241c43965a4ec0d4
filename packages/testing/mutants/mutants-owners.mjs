// What a part keeps of a connection, and what becomes of it the second time.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const ownerMutants = [
  {
    name: "end a poll as soon as it has drained, whatever else it has asked for",
    file: "server/src/hub/subscriptions.ts",
    from: `    if (this.#answered.has(conversation)) this.finish(conversation);`,
    to: `    this.finish(conversation);`,
    breaks: "HT6",
    scenario: "",
    by: "server/src/hub/subscriptions.test.ts > [HT6] [SC3] a poll that has drained",
    fast: true,
  },
  {
    name: "bring a connection up to date twice at once that drains while it is brought up to date",
    file: "server/src/hub/subscriptions.ts",
    from: `    if (this.#resuming.has(conversation)) return;
`,
    to: ``,
    breaks: "SC3",
    scenario: "S24",
    by: "server/src/hub/subscriptions.test.ts > [SC3] a connection that is slow once more",
    fast: true,
  },
  {
    name: "take the rest of a packet behind what was said while it was taken",
    file: "server/src/connection/intake.ts",
    from: `this.#wait(conversation, works, "before");`,
    to: `this.#wait(conversation, works);`,
    breaks: "LM22",
    scenario: "",
    by: "server/src/connection/intake.test.ts > [LM22] what a client says while",
    fast: true,
  },
];
