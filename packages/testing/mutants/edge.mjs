// Mistakes at the server's edge: slow consumers, limits, rights. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const edgeMutants = [
  // --------------------------------------------------------------------------------------- server: slow consumers
  {
    name: "drop outcomes when collapsing",
    file: "server/src/hub/catch-up.ts",
    from: `outcomes: (row?.outcomes ?? []).filter(`,
    to: `outcomes: (reason === "slow" ? [] : (row?.outcomes ?? [])).filter(`,
    breaks: "SC2",
    scenario: "S39",
    by: "server/src/connection/slow-consumers.test.ts > [SC2] S39",
  },
  {
    name: "never come back to a slow consumer",
    file: "server/src/connection/slow-consumers.ts",
    from: `    this.#drained(conversation);
`,
    to: ``,
    breaks: "SC1",
    scenario: "S24",
    by: "server/src/connection/slow-consumers.test.ts > [SC1] S24 gets nothing",
  },
  {
    name: "go on queueing for a slow consumer",
    file: "server/src/target/audience.ts",
    from: `    for (const slow of this.#slowConsumers.among(this.current)) this.#holdBack(slow, after);
`,
    to: ``,
    breaks: "SC3",
    scenario: "S24",
    by: "server/src/connection/slow-consumers.test.ts > S24 a hundred stuck",
  },

  // ------------------------------------------------------------------------------------------------ server: limits
  {
    name: "hold what comes behind a paused message for ever",
    file: "server/src/connection/rate-limiter.ts",
    from: `mid > pause.from && now < pause.until`,
    to: `mid > pause.from`,
    breaks: "LM4",
    scenario: "S33",
    by: "server/src/connection/rate-limiter.test.ts > [LM4] S33",
  },
  {
    name: "believe whatever X-Forwarded-For says",
    file: "server/src/identity/address.ts",
    from: `      if (!isTrusted(next)) break;`,
    to: ``,
    breaks: "LM5",
    scenario: "",
    by: "server/src/identity/address.test.ts > [LM5] behind trusted proxies",
  },

  // ------------------------------------------------------------------------------------------------ server: rights
  {
    name: "go by an answer of before the revocation",
    file: "server/src/app/inquiry.ts",
    from: `if (!this.#outdated) return said;`,
    to: `if (this.#again >= 0) return said;`,
    breaks: "AU15",
    scenario: "S43",
    by: "server/src/hub/access-recheck.test.ts > [AU15] S43 subscribe, unsubscribe",
  },
  {
    name: "let a newer subscribe inherit what is being asked about",
    file: "server/src/hub/subscriptions.ts",
    from: `before?.admitted === true && inquiry === undefined;`,
    to: `before?.admitted === true;`,
    breaks: "AU15",
    scenario: "S43",
    by: "server/src/hub/access-recheck.test.ts > [AU15] [HA12] [HA21] S43 a request that comes",
  },
  {
    name: "leave unanswered what the app asks while the round asks",
    file: "server/src/hub/access-recheck.ts",
    from: `answer, asked.lenient)`,
    to: `answer, purpose === "recheck")`,
    breaks: "AU15",
    scenario: "S16",
    by: "server/src/hub/access-recheck.test.ts > [AU15] [AU26] [AU16] what the app asks must not go",
  },
  {
    name: "take another user's token on a live connection",
    file: "server/src/hub/token-refresh.ts",
    from: `if ((found.user?.id ?? null) !== conversation.userId)`,
    to: `if (false)`,
    breaks: "AU14",
    scenario: "S41",
    by: "server/src/hub/token-refresh.test.ts > [AU14] [AU25] another user's",
  },
];
