// Mistakes in who may make topics, whose checks run and who is let in. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const admissionMutants = [
  // ---------------------------------------------------------------------------- topics that only the server makes
  {
    name: "let a client's message be the first of a topic that only the server makes",
    file: "server/src/target/batch.ts",
    from: `&& (author !== null || unlessRemoved === true)`,
    to: `&& unlessRemoved === true`,
    breaks: "TE23",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > [TE23] [TE36] a client's message is never the first record",
    fast: true,
  },
  {
    name: "let what a hook returns make a topic that only the server makes",
    file: "server/src/target/batch.ts",
    from: `(author !== null || unlessRemoved === true)`,
    to: `author !== null`,
    breaks: "TE23",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > [TE23] [HA7]",
  },
  {
    name: "say that a topic is missing without a look at the log",
    file: "server/src/target/batch.ts",
    from: `this.flight.refused ||= missing;`,
    to: ``,
    breaks: "TE10",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > [TE23] [TE10] two nodes",
  },
  {
    name: "miss a topic that is made while its subscriber is being refused",
    file: "server/src/hub/awaited-topics.ts",
    from: `    if (shared) this.look(key);
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > by its the moment between",
  },
  {
    name: "rely on the doorbell for a topic that is waited for",
    file: "server/src/hub/head-watch.ts",
    from: `      for (const key of this.#awaitedTopics.due(MOST_AWAITED.alone)) this.#awaitedTopics.look(key);
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > by its rings that are lost",
  },
  {
    name: "go on sending a client updates of a topic that it has unsubscribed",
    file: "server/src/hub/router.ts",
    from: `    if ((awaitedTopics.refOf(conversation, key) ?? Infinity) <= ref) awaitedTopics.forget(conversation, key);
`,
    to: ``,
    breaks: "FO8",
    scenario: "",
    by: "server/src/hub/awaited-topics.test.ts > [FO8] who does not wait any more",
  },
  {
    name: "forget on a new connection what was missing",
    file: "client/src/engine/greeting.ts",
    from: `(isSubscribed(subscription) || subscription.absent) &&`,
    to: `isSubscribed(subscription) &&`,
    breaks: "CL18",
    scenario: "",
    by: "client/test/subscribing.test.ts > [CL18] what is missing is asked for by each new connection",
  },
  {
    name: "ask before the time that was given",
    file: "client/src/engine/life.ts",
    from: `subscription.askedAt < before && !subscription.retrying`,
    to: `subscription.askedAt < before`,
    breaks: "CL18",
    scenario: "",
    by: "client/test/subscribing.test.ts > [CL18] where the server cannot remember",
  },

  // ------------------------------------------------------------------------------------------- the app's own checks
  {
    name: "ask the app for every subscribe of a Hello at once",
    file: "server/src/app/app-checks.ts",
    from: `isEmpty(asker.waiting) && asker.running < ofOne && theirs`,
    to: `theirs`,
    breaks: "HA12",
    scenario: "",
    by: "server/test/asking.test.ts > [HA12] a Hello of a thousand topics",
    fast: true,
  },
  {
    name: "let one address have all calls of a check",
    file: "server/src/app/app-checks.ts",
    from: `Math.max(1, Math.ceil(options.ofAll / PARTS))`,
    to: `options.ofAll`,
    breaks: "HA12",
    scenario: "",
    by: "server/test/asking.test.ts > [HA12] whatever one address asks for",
  },
  {
    name: "give the next turn to the party that had the last",
    file: "server/src/app/app-checks.ts",
    from: `      party.ready.delete(asker);
      this.#ready.delete(party);
      this.#begin(check);`,
    to: `      this.#begin(check);`,
    breaks: "HA12",
    scenario: "",
    by: "server/src/app/app-checks.test.ts > [HA12] [HA20] turns go round the parties",
  },
  {
    name: "free the place of a call that was withdrawn and goes on",
    file: "server/src/app/app-checks.ts",
    from: `    } else Shown.end(question.shown);
    check`,
    to: `    } else {
      Shown.end(question.shown);
      asker.running--;
    }
    check`,
    breaks: "HA13",
    scenario: "",
    by: "server/src/app/app-checks.test.ts > [HA13] a call that was withdrawn keeps",
  },
  {
    name: "let a call that never ends hold its place for ever",
    file: "server/src/app/app-checks.ts",
    from: `    check.cancel = this.#options.clock.setTimeout(() => {
      ended();`,
    to: `    check.cancel = this.#options.clock.setTimeout(() => {`,
    breaks: "HA12",
    scenario: "",
    by: "server/src/app/app-checks.test.ts > [HA12] [HA22] what hangs is given up",
  },
  {
    name: "go on asking for a connection that has gone",
    file: "server/src/hub/access.ts",
    from: `    this.#checks.left(accessOf(conversation)?.asker);
`,
    to: ``,
    breaks: "HA13",
    scenario: "",
    by: "server/test/asking.test.ts > [HA13] [HT4] a packet whose sender has gone",
  },
  {
    name: "let what nobody asks for any more be asked all the same",
    file: "server/src/hub/subscriptions.ts",
    from: `    conversation.subscriptions.delete(key);
    subscription.inquiry?.withdraw();`,
    to: `    conversation.subscriptions.delete(key);`,
    breaks: "HA13",
    scenario: "",
    by: "server/test/asking.test.ts > [HA13] it is unsubscribed",
  },
  {
    name: "wait for an answer of before when rights have changed",
    file: "server/src/app/inquiry.ts",
    from: `    this.lenient = false;
    this.#check?.withdraw();
`,
    to: `    this.lenient = false;
`,
    breaks: "HA13",
    scenario: "",
    by: "server/test/asking.test.ts > [HA13] [AU15] rights change",
  },
  {
    name: "ask for every message where the check answers at once",
    file: "server/src/hub/access.ts",
    from: `if (asked === true && this.#asks(`,
    to: `if (asked === "" && this.#asks(`,
    breaks: "HA3",
    scenario: "",
    by: "server/test/asking.test.ts > [HA3] [HA19] an answer that comes at once",
  },
  {
    name: "remember an answer of a check that has itself changed the rights",
    file: "server/src/app/inquiry.ts",
    from: `      const counted = this.#counted(said);
      if (counted === undefined) continue;`,
    to: `      const counted = said;`,
    breaks: "HA3",
    scenario: "",
    by: "server/test/asking.test.ts > [HA3] [AU15] [HA19] a check that",
  },
  {
    name: "ask the app for each of many subscribes to one topic",
    file: "server/src/hub/subscriptions.ts",
    from: `const allowed = inquiry ?? this`,
    to: `const allowed = this`,
    breaks: "HA12",
    scenario: "",
    by: "server/test/asking.test.ts > [HA12] [CL10] [HA21] a newer subscribe",
  },
  {
    name: "take a removed topic for one that exists",
    file: "server/src/target/existence.ts",
    from: `state.sequence > 0 && !state.removed`,
    to: `state.sequence > 0`,
    breaks: "HA14",
    scenario: "",
    by: "server/src/target/existence.test.ts > [HA14]",
  },
  {
    name: "authenticate all of a storm of Hellos at once",
    file: "server/src/app/authenticate.ts",
    from: `      ofAll: limits.maxAuthentications,`,
    to: `      ofAll: Infinity,`,
    breaks: "HA15",
    scenario: "",
    by: "server/test/asking.test.ts > [HA15] so many calls are under way",
  },

  // ------------------------------------------------------------------------------------------------- fresh identities
  {
    name: "count who shows a good identity among the newcomers",
    file: "server/src/hub/admission.ts",
    from: `const wait = fresh ? identityQuota.arrived(conversation.address) : 0;`,
    to: `const wait = identityQuota.arrived(conversation.address);`,
    breaks: "LM30",
    scenario: "",
    by: "server/src/connection/identity-quota.test.ts > [LM30] who shows a good identity",
  },
  {
    name: "forget an address that has not rested",
    file: "server/src/connection/identity-quota.ts",
    from: `      if (!this.#rate.rested(paid, now)) this.#paid.set(address, paid);
`,
    to: ``,
    breaks: "LM30",
    scenario: "",
    by: "server/src/connection/identity-quota.test.ts > [LM30] [LM31] only who has rested",
  },
];
