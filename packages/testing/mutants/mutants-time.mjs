// Mistakes with time and with files that go away. As in mutants.mjs.

const serverClock = "server/test/wall-clock.test.ts";
const clientClock = "client/test/wall-clock.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const timeMutants = [
  {
    name: "end slow connections by the wall clock",
    file: "server/src/connection/slow-consumers.ts",
    from: `    const now = this.#clock.monotonic();`,
    to: `    const now = this.#clock.now();`,
    breaks: "TM2",
    scenario: "",
    by: `${serverClock} > [TM2] [SC2]`,
  },
  {
    name: "ask about rights by the wall clock",
    file: "server/src/hub/access-recheck.ts",
    from: `const before = Math.max(clock.monotonic() - limits.recheckAfter, this.#doubted);`,
    to: `const before = Math.max(clock.now() - limits.recheckAfter, this.#doubted);`,
    breaks: "TM2",
    scenario: "",
    by: `${serverClock} > [TM2] [AU16]`,
  },
  {
    name: "let what is old go at once by a clock that was just set",
    file: "server/src/target/expiry.ts",
    from: `    if (wasSet) return;`,
    to: ``,
    breaks: "LT5",
    scenario: "",
    by: `${serverClock} > [TM2] [LT1]`,
  },
  {
    name: "take a lease that is being renewed",
    file: "server/src/history/log-consumers.ts",
    from: `if (this.#seen?.until !== until) this.#seen = { until, since: now };`,
    to: `this.#seen ??= { until, since: now };`,
    breaks: "RD4",
    scenario: "",
    by: "server/src/history/log-consumers.test.ts > [RD4] a handler that takes longer than the lease keeps it",
  },
  {
    name: "go on from what a consumer remembers after a failure of the log",
    file: "server/src/history/log-consumers.ts",
    from: `        this.lose();
        await this.#wait(backoff(failures++));`,
    to: `        await this.#wait(backoff(failures++));`,
    breaks: "RD7",
    scenario: "",
    by: "server/src/history/log-consumers.test.ts > [RD7] after a rejected call",
  },
  {
    name: "be silent for as long as a server says",
    file: "client/src/engine/incoming.ts",
    from: `later(core, Math.min(retryAfter, LONGEST_PAUSE), () => {`,
    to: `later(core, retryAfter, () => {`,
    breaks: "CL11",
    scenario: "",
    by: `${clientClock} > [CL11] a pause ends after a minute`,
  },
  {
    name: "keep a pause over a new connection",
    file: "client/src/engine/holding.ts",
    from: `    queue.paused?.();
    queue.paused = undefined;`,
    to: ``,
    breaks: "CL11",
    scenario: "",
    by: `${clientClock} > [CL11] a pause is forgotten`,
  },
  {
    name: "acknowledge what went to a file that nobody finds again",
    file: "server/src/log/sqlite/executor.ts",
    from: `        made.look();
`,
    to: ``,
    breaks: "SQ12",
    scenario: "",
    by: "server/src/log/sqlite/file-place.test.ts > deleted: nothing is acknowledged",
  },
  {
    name: "believe what was read of a file that has been replaced",
    file: "server/src/server.ts",
    from: `    void hub.headWatch.replaced(Array.from(registry.all()).filter(({ engine }) => engine !== undefined));
    hub.consumers.anew();`,
    to: `    hub.consumers.anew();`,
    breaks: "SQ12",
    scenario: "S13",
    by: "server/src/log/sqlite/file-place.test.ts > [TE11] [SQ14] what was folded",
  },
];
