// Mistakes about the second time: what is not reset, not cleaned up, or kept from before. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const secondMutants = [
  {
    name: "keep whoever unsubscribed while slow among those who are behind",
    file: "server/src/audience.ts",
    from: `    this.behind.delete(conversation);`,
    to: ``,
    breaks: "SC6",
    scenario: "",
    by: "server/src/audience.test.ts > [SC6] [CV1] follows no more",
  },
  {
    name: "keep the replays of a former history",
    file: "server/src/live-target.ts",
    from: `!sameCursor(this.#replays.head, head)`,
    to: `this.#replays.head.sequence !== head.sequence`,
    breaks: "TE11",
    scenario: "S37",
    by: "server/src/live-target.test.ts > [SV9] [TE11] what was encoded",
  },
  {
    name: "count appends that threw for ever",
    file: "server/src/turns.ts",
    from: `if (result?.status === "appended" || result?.status === "conflict") live.lost = 0;`,
    to: ``,
    breaks: "TE12",
    scenario: "S28",
    by: "server/src/turns.test.ts > [TE12] an append that lands",
  },
  {
    name: "let a migration's time go back",
    file: "server/src/opening.ts",
    from: `Math.max(this.#at.at, clock.now())`,
    to: `clock.now()`,
    breaks: "TE15",
    scenario: "S38",
    by: "server/src/versions.test.ts > [VE3] [TE15] S38 whose clock is behind",
  },
  {
    name: "take a tuple of another length",
    file: "shared/src/guard.ts",
    from: `Array.isArray(value) && value.length === items.length && items.every`,
    to: `Array.isArray(value) && items.every`,
    breaks: "PR3",
    scenario: "",
    by: "shared/src/protocol.test.ts > [PR3] a tuple with an item",
  },
  {
    name: "take a snapshot's parts in any order",
    file: "client/src/packets.ts",
    from: `if (found.part !== parts.length) throw new CallaError("undecodable");`,
    to: ``,
    breaks: "CL5",
    scenario: "",
    by: "client/src/packets.test.ts > [CL5] the parts of a snapshot",
  },
  {
    name: "let a model that is followed and does not change age",
    file: "client/src/storage-models.ts",
    from: `one.model.mark === mark &&
            one.model.usedAt > wall - maxAge / 30;`,
    to: `one.model.mark === mark;`,
    breaks: "OB10",
    scenario: "",
    by: "client/test/models.test.ts > [OB10] what is followed and does not change",
  },
];
