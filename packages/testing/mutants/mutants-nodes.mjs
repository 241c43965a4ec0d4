// Mistakes of nodes that share a log: what they look at, what they are told, which log they trust. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const nodesMutants = [
  {
    name: "forget whose turn it was when the log cannot say what has moved",
    file: "server/src/hub/head-watch.ts",
    from: `        for (const live of lives.values()) this.#due.add(live);\n`,
    to: ``,
    breaks: "SV19",
    scenario: "",
    by: "server/src/hub/head-watch.test.ts > [SV19] a log that says what has moved",
  },
  {
    name: "wait for ever for a log that does not say what has moved",
    file: "server/src/hub/head-watch.ts",
    from: `if (this.#asking !== undefined && now - this.#asking < limits.maxStaleness) return;`,
    to: `if (this.#asking !== undefined) return;`,
    breaks: "SV19",
    scenario: "",
    by: "server/src/hub/head-watch.test.ts > [SV19] a log that says what has moved",
  },
  {
    name: "take a target for unmoved by its sequence alone",
    file: "server/src/log/memory/target-history.ts",
    from: `return sequence === this.#head.sequence && mark === this.#head.mark;`,
    to: `return sequence === this.#head.sequence && mark !== undefined;`,
    breaks: "LG57",
    scenario: "",
    by: "server/src/log/memory/memory-log.test.ts > [LG57]",
  },
  {
    name: "take what a conflict brings along for newer than a row that came later",
    file: "server/src/target/target-engine.ts",
    from: `    if (missed !== undefined) return this.missed(missed, Infinity);
    this.#behind = false;`,
    to: `    this.#behind = false;
    if (missed !== undefined) return this.missed(missed, Infinity);`,
    breaks: "TE37",
    scenario: "",
    by: "server/src/target/target-engine.test.ts > [TE37] [TE22]",
  },
  {
    name: "bring along a part of what was missed",
    file: "server/src/log/log.ts",
    from: `read.status === "records" && read.records.length > MOST_MISSED ? {} : { missed: read };`,
    to: `({ missed: read });`,
    breaks: "LG58",
    scenario: "",
    by: "server/src/log/memory/memory-log.test.ts > [LG58]",
  },
];
