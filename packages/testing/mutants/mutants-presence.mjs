// Mistakes of presence: ghosts, members lost, members doubled, and work for all where one came. As in mutants.mjs.

const state = "server/src/presence/state/presence-state.test.ts";
const clocks = "server/src/presence/state/clock-set.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const presenceMutants = [
  {
    name: "let an update end the entry before it by its own clock",
    file: "server/src/presence/state/presence-state.ts",
    from: `    this.#tick(entry.clock);
    this.#ownEntries.delete(entry);`,
    to: `    this.#ownEntries.delete(entry);`,
    breaks: "PN8",
    scenario: "",
    by: `${state} > every step does what the definition says`,
  },
  {
    name: "say what changed without what the changes ended",
    file: "server/src/presence/state/presence-state.ts",
    from: `for (const clock of this.#ownEntries.ended(after, upTo)) clocks.add(clock);`,
    to: ``,
    breaks: "PN8",
    scenario: "",
    by: `${state} > every step does what the definition says`,
  },
  {
    name: "tell who lags far of the first clocks only from where he is",
    file: "server/src/presence/state/presence-state.ts",
    from: `without([[1, upTo]], held)`,
    to: `without([[after + 1, upTo]], held)`,
    breaks: "PN9",
    scenario: "",
    by: `${state} > taken a few at a time`,
  },
  {
    name: "take an entry in that has ended already",
    file: "server/src/presence/state/presence-state.ts",
    from: `if (!replica.known.has(entry.clock)) {`,
    to: `if (!replica.entries.has(entry.clock)) {`,
    breaks: "PN7",
    scenario: "",
    by: `${state} > what was ended never comes back`,
  },
  {
    name: "take what others say of one's own entries",
    file: "server/src/presence/state/presence-state.ts",
    from: `if (part.replica === this.replica || this.#removed.has(part.replica)) continue;`,
    to: `if (this.#removed.has(part.replica)) continue;`,
    breaks: "PN3",
    scenario: "",
    by: `${state} > changes none of them`,
  },
  {
    name: "let a removed replica come again",
    file: "server/src/presence/state/presence-state.ts",
    from: `if (part.replica === this.replica || this.#removed.has(part.replica)) continue;`,
    to: `if (part.replica === this.replica) continue;`,
    breaks: "PN12",
    scenario: "",
    by: `${state} > removed, it never does`,
  },
  {
    name: "tell the entries of a replica that is down",
    file: "server/src/presence/state/presence-state.ts",
    from: `else joins.length = first;`,
    to: ``,
    breaks: "PN12",
    scenario: "",
    by: `${state} > a replica that is down is kept and not listed`,
  },
  {
    name: "look at all entries for each merge",
    file: "server/src/presence/state/presence-state.ts",
    from: `if (named > replica.entries.size) {`,
    to: `if (named > 0) {`,
    breaks: "PN13",
    scenario: "",
    by: `${state} > merging walks what changed`,
  },
  {
    name: "keep ranges apart that touch",
    file: "server/src/presence/state/clock-set.ts",
    from: `ranges[end]![0] <= to + 1`,
    to: `ranges[end]![0] <= to`,
    breaks: "PN5",
    scenario: "",
    by: `${clocks} > compact`,
  },
  {
    name: "keep an old list after a change",
    file: "server/src/presence/state/members.ts",
    from: `    topic.size++;
    topic.listed = undefined;`,
    to: `    topic.size++;`,
    breaks: "PN15",
    scenario: "",
    by: `${state} > a list is the same object until it changes`,
  },
  {
    name: "list a key's entries as they came",
    file: "server/src/presence/state/members.ts",
    from: `a.replica === b.replica ? a.clock - b.clock : a.replica < b.replica ? -1 : 1,`,
    to: `0,`,
    breaks: "PN15",
    scenario: "",
    by: `${state} > all list a key's entries in one order`,
  },
];
