// What supervision must not do: restart too much or too little, without end, lose what was listened to, hear the dead.

const TREE = "server/src/supervision/tree";
const TEST = `${TREE}/supervisor.test.ts`;
const LIVING = "server/src/supervision/living-pubsub.ts";
const LIVING_TEST = "server/src/supervision/living-pubsub.test.ts";
const SYSTEM = "server/src/supervision/supervise.ts";
const SYSTEM_TEST = "server/src/supervision/supervise.test.ts";
const TRACKER = "server/src/presence/tracker.ts";
const RESTART_TEST = "server/src/presence/tracker-restart.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const supervisionMutants = [
  {
    name: "restart the failed child alone, and not those behind it",
    file: `${TREE}/supervisor.ts`,
    from: "child.child.lasting !== true || failures.some(",
    to: "failures.some(",
    breaks: "SU2",
    scenario: "",
    by: `${TEST} > [SU2] rest for one > child 0 fails`,
  },
  {
    name: "stop children of a restart in the order of their start",
    file: `${TREE}/supervisor.ts`,
    from: "for (const child of again.toReversed()) {",
    to: "for (const child of again) {",
    breaks: "SU2",
    scenario: "",
    by: `${TEST} > [SU2] rest for one > child 0 fails`,
  },
  {
    name: "count restarts for ever, and not within the window",
    file: `${TREE}/restarts.ts`,
    from: "this.#times = this.#times.filter((time) => time > since);",
    to: "this.#times = this.#times.filter((time) => time > since - Infinity);",
    breaks: "SU3",
    scenario: "",
    by: `${TEST} > [SU3] intensity > restarts of before the window do not count`,
  },
  {
    name: "hear a failure of a life that has ended",
    file: `${TREE}/running-child.ts`,
    from: "if (this.#life !== life) return;",
    to: "if (this.#life === undefined) return;",
    breaks: "SU6",
    scenario: "",
    by: `${TEST} > [SU6] a failure > of a life that has ended`,
  },
  {
    name: "leave what comes of a start that nobody waits for",
    file: `${TREE}/running-child.ts`,
    from: "if (!waiting) return void this.#stop(value);",
    to: "if (!waiting) return;",
    breaks: "SU5",
    scenario: "",
    by: `${TEST} > [SU5] what takes too long > a start`,
  },
  {
    name: "wait for a start that hangs when everything stops",
    file: `${TREE}/supervisor.ts`,
    from: "for (const child of this.#children) child.abandon();",
    to: "",
    breaks: "SU7",
    scenario: "",
    by: `${TEST} > [SU7] a stop > in the middle of a start`,
  },
  {
    name: "give up without a word to the parent",
    file: `${TREE}/supervisor.ts`,
    from: "this.#parent?.(error);",
    to: "",
    breaks: "SU8",
    scenario: "",
    by: `${TEST} > [SU8] inside another supervisor > where it gives up`,
  },
  {
    name: "listen to nothing on the next engine of what was listened to before",
    file: LIVING,
    from: "for (const subscription of this.#subscriptions) this.#listen(attached, subscription);",
    to: "",
    breaks: "SU12",
    scenario: "",
    by: `${LIVING_TEST} > [SU12] over another engine > what was listened to`,
  },
  {
    name: "tell of no gap behind a new engine",
    file: LIVING,
    from: "if (this.#before) this.#gap();",
    to: "",
    breaks: "SU12",
    scenario: "",
    by: `${LIVING_TEST} > [SU12] over another engine > what was listened to`,
  },
  {
    name: "take a payload that cannot be carried for a failure of the engine",
    file: LIVING,
    from: "if (!failed) this.#report(error);",
    to: "if (!failed) attached.failed(error);",
    breaks: "SU13",
    scenario: "",
    by: `${LIVING_TEST} > [SU13] an engine has failed > not where it cannot carry`,
  },
  {
    name: "make a server anew beneath its clients where the pubsub fails",
    file: SYSTEM,
    from: "lasting: true,",
    to: "lasting: false,",
    breaks: "SU14",
    scenario: "",
    by: `${SYSTEM_TEST} > [SU14] the pubsub fails in the middle of a broadcast`,
  },
  {
    name: "leave a state of presence that threw as it is",
    file: SYSTEM,
    from: "if (now === seen) now.restart();",
    to: "",
    breaks: "SU15",
    scenario: "",
    by: `${SYSTEM_TEST} > [SU15] presence fails in the middle of a merge`,
  },
  {
    name: "forget who was listed of others as presence begins anew",
    file: TRACKER,
    from: "this.#guarded(() => this.#state.succeed(earlier));",
    to: "",
    breaks: "PN52",
    scenario: "",
    by: `${RESTART_TEST} > a node {} > [PN50] [PN52] begins anew`,
  },
  {
    name: "look at nothing behind a gap of the pubsub",
    file: "server/src/server.ts",
    from: "context.pubsub.onGap?.(() => soon.begin())",
    to: "context.pubsub.onGap?.(() => undefined)",
    breaks: "SV18",
    scenario: "",
    by: "server/src/cluster/poll-schedule.test.ts > [SV18] behind a gap of the pubsub > each subscribed topic",
  },
];
