// What groups must not do: forget who is in them in mid-broadcast, mix the kinds, grow without end.

const GROUPS = "server/src/groups";
const TEST = `${GROUPS}/groups.test.ts`;
const BROADCASTING = "server/src/channels/engine/broadcasting.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const groupMutants = [
  {
    name: "tell a group's topics that were taken out of it what is said later",
    file: `${GROUPS}/group.ts`,
    from: "if (!this.#all.delete(id)) return false;\n    this.#list = undefined;",
    to: "if (!this.#all.delete(id)) return false;",
    breaks: "GR3",
    scenario: "",
    by: `${TEST} > [GR3] takes a topic once`,
  },
  {
    name: "make a group anew where there is one, and forget its topics",
    file: `${GROUPS}/groups.ts`,
    from: "if (all.has(name))",
    to: "if (all.has(name) && all.size === 0)",
    breaks: "GR1",
    scenario: "",
    by: `${TEST} > [GR1] is empty`,
  },
  {
    name: "push a slice's message to the group's topics of all slices",
    file: `${GROUPS}/groups.ts`,
    from: "(topic) => topic.slice === slice",
    to: "(topic) => topic.slice !== undefined",
    breaks: "GR6",
    scenario: "",
    by: `${TEST} > [GR6] reaches the topics`,
  },
  {
    name: "count the topics of one kind against a group's limit",
    file: `${GROUPS}/group.ts`,
    from: "return this.channels.size + this.sync.size;",
    to: "return this.channels.size;",
    breaks: "GR8",
    scenario: "",
    by: `${TEST} > [GR8] topics of both kinds`,
  },
  {
    name: "let what is said during a group's broadcast overtake it on its later topics",
    file: BROADCASTING,
    from: "return (this.#set ??= new Set(this.#topics)).has(topic);",
    to: "return this.#topics[0] === topic;",
    breaks: "GR7",
    scenario: "",
    by: `${TEST} > [GR7] goes out on all`,
  },
  {
    name: "write the payload of a group's broadcast once for each topic",
    file: "server/src/channels/wire/shared-message.ts",
    from: "(this.#json = jsonText(this.payload))",
    to: "jsonText(this.payload)",
    breaks: "GR9",
    scenario: "",
    by: `${TEST} > [GR9] writes its payload once`,
  },
];
