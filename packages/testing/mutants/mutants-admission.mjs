// Mistakes in who may make topics, whose checks run and who is let in. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const admissionMutants = [
  // ---------------------------------------------------------------------------- topics that only the server makes
  {
    name: "let a client's message be the first of a topic that only the server makes",
    file: "server/src/batch.ts",
    from: `      (author !== null || unlessRemoved === true)`,
    to: `      unlessRemoved === true`,
    breaks: "TE23",
    scenario: "",
    by: "server/src/expecting.test.ts > [TE23] a client's message is never the first record",
    fast: true,
  },
  {
    name: "let what a hook returns make a topic that only the server makes",
    file: "server/src/batch.ts",
    from: `(author !== null || unlessRemoved === true)`,
    to: `author !== null`,
    breaks: "TE23",
    scenario: "",
    by: "server/src/expecting.test.ts > [TE23] [HA7]",
  },
  {
    name: "say that a topic is missing without a look at the log",
    file: "server/src/batch.ts",
    from: `this.flight.refused ||= missing;`,
    to: ``,
    breaks: "TE10",
    scenario: "",
    by: "server/src/expecting.test.ts > [TE23] [TE10] two nodes",
  },
  {
    name: "miss a topic that is made while its follower is being refused",
    file: "server/src/expecting.ts",
    from: `    if (shared) this.#look(key);
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/expecting.test.ts > by its the moment between",
  },
  {
    name: "rely on the doorbell for a topic that is waited for",
    file: "server/src/server.ts",
    from: `      expecting.tick();
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/expecting.test.ts > by its rings that are lost",
  },
  {
    name: "go on telling a client of a topic that it has let go of",
    file: "server/src/hub.ts",
    from: `        if ((conversation.expects?.get(key) ?? Infinity) <= frame.ref) this.expecting.forget(conversation, key);
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/expecting.test.ts > [FO8] who does not wait any more",
  },
  {
    name: "forget on a new connection what was missing",
    file: "client/src/runtime.ts",
    from: `(isFollowed(subscription) || subscription.absent) &&`,
    to: `isFollowed(subscription) &&`,
    breaks: "CL18",
    scenario: "",
    by: "client/test/following.test.ts > [CL18] what is missing is asked for by each new connection",
  },
  {
    name: "ask before the time that was given",
    file: "client/src/runtime.ts",
    from: `subscription.askedAt < before && !subscription.retrying`,
    to: `subscription.askedAt < before`,
    breaks: "CL18",
    scenario: "",
    by: "client/test/following.test.ts > [CL18] where the server cannot remember",
  },
];
