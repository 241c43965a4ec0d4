// What a bridge must not do: tell a change before its answer, patch what a client has not, forget who waits, keep what is over.

const BRIDGE = "server/src/bridge";
const TOPIC = `${BRIDGE}/bridged-topic.ts`;
const LINE = `${BRIDGE}/bridged-line.ts`;
const CONVERGING = "server/test/bridge/converging.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const bridgeMutants = [
  {
    name: "send a patch to who was told another state",
    file: `${BRIDGE}/topic-view.ts`,
    from: "if (step === undefined || !isSame(step.after, told))",
    to: "if (step === undefined)",
    breaks: "BR12",
    scenario: "",
    by: `${BRIDGE}/topic-view.test.ts > [BR12] who was told another state`,
  },
  {
    name: "compute a patch for each who wants it",
    file: `${BRIDGE}/topic-view.ts`,
    from: "return (step.event ??= this.#patch(step, last));",
    to: "return this.#patch(step, last);",
    breaks: "BR24",
    scenario: "",
    by: `${BRIDGE}/topic-view.test.ts > [BR24] an insert at the head`,
  },
  {
    name: "make each part of a model plain anew",
    file: `${BRIDGE}/plain-parts.ts`,
    from: "if (plain !== value) made.set(value, plain);",
    to: "",
    breaks: "BR15",
    scenario: "",
    by: `${BRIDGE}/plain-parts.test.ts > [BR15] has what two models have in common`,
  },
  {
    name: "tell the change before the answer to the dispatch that made it",
    file: TOPIC,
    from: "    this.#ownOutcomes(frame);\n    if (form",
    to: "    this.#waiting.push(() => this.#ownOutcomes(frame));\n    if (form",
    breaks: "BR13",
    scenario: "",
    by: `${BRIDGE}/sync-channel.test.ts > [BR11] [BR13] joins`,
  },
  {
    name: "keep who is paused among those who wait for an answer",
    file: TOPIC,
    from: "this.#dispatches.forgetFrom(from);",
    to: "",
    breaks: "BR17",
    scenario: "",
    by: `${BRIDGE}/bridged-topic.test.ts > [BR17] is paused`,
  },
  {
    name: "go on with the identity that has used a number twice",
    file: LINE,
    from: "this.#identity ?? (this.#isForgotten ? undefined : given)",
    to: "this.#identity ?? given",
    breaks: "BR17",
    scenario: "",
    by: `${BRIDGE}/bridged-topic.test.ts > [BR17] whose socket said who it is`,
  },
  {
    name: "leave a conversation behind when its last topic is left",
    file: LINE,
    from: "if (this.#talk === talk && this.#topics.size === 0) this.#end(talk);",
    to: "",
    breaks: "BR14",
    scenario: "",
    by: `${BRIDGE}/sync-channel.test.ts > [BR14] leaves`,
  },
  {
    name: "count a bridged connection twice with its address",
    file: LINE,
    from: "if (address !== undefined) house.connections.add(address, -1);",
    to: "",
    breaks: "BR21",
    scenario: "",
    by: `${BRIDGE}/bridged-line.test.ts > [BR21] counts as one connection`,
  },
  {
    name: "let a hostile name through to the conversation",
    file: `${BRIDGE}/words.ts`,
    from: "if (text.includes('\"__proto__\":'))",
    to: 'if (text === "")',
    breaks: "BR18",
    scenario: "",
    by: `${BRIDGE}/words.test.ts > [BR18] what would end the conversation`,
  },
  {
    name: "forget whose place a meta takes",
    file: `${BRIDGE}/presence-table.ts`,
    from: "else if (before !== undefined) gone.push(before);",
    to: "",
    breaks: "BR20",
    scenario: "",
    by: `${BRIDGE}/presence-table.test.ts > [BR20] an update is one of each`,
  },
  {
    name: "show a client that was slow nothing but what comes next",
    file: TOPIC,
    from: 'if (shown !== undefined) this.#shared(shown.snapshot(this.#settled?.reason ?? "snapshot"));',
    to: "",
    breaks: "BR23",
    scenario: "",
    by: `${CONVERGING} > [BR23] have the server's model`,
  },
];
