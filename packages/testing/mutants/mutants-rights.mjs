// Mistakes in which answers count when rights change. As in mutants.mjs.

const storm = "server/test/rights-storm.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const rightsMutants = [
  {
    name: "ask again for as long as rights change",
    file: "server/src/app/inquiry.ts",
    from: `this.#again > ASKED_AGAIN || left <= 0`,
    to: `left <= 0`,
    breaks: "AU31",
    scenario: "S43",
    by: `${storm} > [AU31] that names everybody: who asks`,
    fast: true,
  },
  {
    name: "give a question that was asked again all the time it takes",
    file: "server/src/app/inquiry.ts",
    from: `    }, left);`,
    to: `    }, Infinity);`,
    breaks: "AU31",
    scenario: "",
    by: `${storm} > [AU31] all askings together`,
  },
  {
    name: "count as asked what waits for its turn",
    file: "server/src/app/inquiry.ts",
    from: `!this.#outdated && this.#check?.waits !== true`,
    to: `!this.#outdated`,
    breaks: "AU33",
    scenario: "",
    by: `${storm} > [AU33] what waits for its turn`,
  },
  {
    name: "tell the app at each question that rights change too often",
    file: "server/src/hub/access.ts",
    from: `      this.#isReported = true;
`,
    to: ``,
    breaks: "AU31",
    scenario: "",
    by: `${storm} > [AU31] that names everybody: who asks`,
  },
  {
    name: "ask again about every topic when one has changed",
    file: "server/src/hub/access.ts",
    from: `if (key === undefined || inquiry.topic === key) inquiry`,
    to: `inquiry`,
    breaks: "AU32",
    scenario: "",
    by: `${storm} > [AU32] that names another topic`,
  },
  {
    name: "take the periodic re-check for a change of rights",
    file: "server/src/hub/access-recheck.ts",
    from: `this.#access.forget(conversation);`,
    to: `this.#access.changed(conversation);`,
    breaks: "AU16",
    scenario: "",
    by: `${storm} > [AU16] the round outdates nothing`,
  },
  {
    name: "hold against who is being identified what is said of other clients",
    file: "server/src/app/inquiry.ts",
    from: `if (change.clientId !== undefined && change.clientId !== this.#clientId) return;`,
    to: ``,
    breaks: "AU32",
    scenario: "",
    by: `${storm} > [AU32] who is being identified`,
  },
];
