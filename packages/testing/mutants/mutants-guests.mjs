// Mistakes of the bridge that its reference client must notice among the clients of the campaign. As in mutants.mjs.

const TOPIC = "server/src/bridge/bridged-topic.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const guestMutants = [
  {
    name: "answer a bridged dispatch behind the change that it made",
    file: TOPIC,
    from: `    this.#ownOutcomes(frame);
    if (form === "message")`,
    to: `    queueMicrotask(() => this.#ownOutcomes(frame));
    if (form === "message")`,
    breaks: "HC20",
    scenario: "",
    by: "HC20",
  },
  {
    name: "tell who joins again nothing of what became of its dispatches",
    file: TOPIC,
    from: `outcomes: outcomes.map(outcomeOf),`,
    to: `outcomes: [],`,
    breaks: "HC20",
    scenario: "",
    by: "HC20",
  },
  {
    name: "tell a bridged client nothing of what its server amended",
    file: TOPIC,
    from: `const taken = this.#dispatches.isAsSent(mid, id, messages) ? {} : amended(messages);`,
    to: `const taken = {};`,
    breaks: "HC17",
    scenario: "",
    by: "HC17 HC20",
  },
];
