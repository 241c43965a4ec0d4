// Mistakes with time and with files that go away. As in mutants.mjs.

const serverClock = "server/src/wall-clock.test.ts";
const clientClock = "client/test/wall-clock.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const timeMutants = [
  {
    name: "end slow connections by the wall clock",
    file: "server/src/collapsing.ts",
    from: `    const now = this.#clock.monotonic();`,
    to: `    const now = this.#clock.now();`,
    breaks: "TM2",
    scenario: "",
    by: `${serverClock} > [TM2] [SC2]`,
  },
  {
    name: "ask about rights by the wall clock",
    file: "server/src/reauthorising.ts",
    from: `const before = this.#core.clock.monotonic() - this.#core.limits.recheckAfter;`,
    to: `const before = this.#core.clock.now() - this.#core.limits.recheckAfter;`,
    breaks: "TM2",
    scenario: "",
    by: `${serverClock} > [TM2] [AU16]`,
  },
  {
    name: "let what is old go at once by a clock that was just set",
    file: "server/src/lifetimes.ts",
    from: `    if (wasSet) return;`,
    to: ``,
    breaks: "LT5",
    scenario: "",
    by: `${serverClock} > [TM2] [LT1]`,
  },
  {
    name: "take a lease that is being renewed",
    file: "server/src/readers.ts",
    from: `if (this.#seen?.until !== until) this.#seen = { until, since: now };`,
    to: `this.#seen ??= { until, since: now };`,
    breaks: "RD4",
    scenario: "",
    by: "server/src/readers.test.ts > [RD4] a handler that takes longer than the lease keeps it",
  },
  {
    name: "go on from what a follower remembers after a failure of the log",
    file: "server/src/readers.ts",
    from: `        this.lose();
        await this.#wait(backoff(failures++));`,
    to: `        await this.#wait(backoff(failures++));`,
    breaks: "RD7",
    scenario: "",
    by: "server/src/readers.test.ts > [RD7] after a rejected call",
  },
  {
    name: "be silent for as long as a server says",
    file: "client/src/receiver.ts",
    from: `options.later(Math.min(retryAfter, LONGEST_PAUSE), () => {`,
    to: `options.later(retryAfter, () => {`,
    breaks: "CL11",
    scenario: "",
    by: `${clientClock} > [CL11] a pause ends after a minute`,
  },
  {
    name: "keep a pause over a new connection",
    file: "client/src/runtime.ts",
    from: `        queue.paused?.();
        queue.paused = undefined;`,
    to: ``,
    breaks: "CL11",
    scenario: "",
    by: `${clientClock} > [CL11] a pause is forgotten`,
  },
  {
    name: "acknowledge what went to a file that nobody finds again",
    file: "server/src/sqlite/executor.ts",
    from: `        made.look();
`,
    to: ``,
    breaks: "SQ12",
    scenario: "",
    by: "server/src/sqlite/place.test.ts > deleted: nothing is acknowledged",
  },
  {
    name: "believe what was read of a file that has been replaced",
    file: "server/src/server.ts",
    from: `    for (const live of registry.all()) if (live.engine !== undefined) turns.replaced(live);
    hub.readers.anew();`,
    to: `    hub.readers.anew();`,
    breaks: "SQ12",
    scenario: "S13",
    by: "server/src/sqlite/place.test.ts > [TE11] what was folded",
  },
];
