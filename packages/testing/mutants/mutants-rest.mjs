// Mistakes with what is shared by the requests of one line. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const restMutants = [
  {
    name: "let all who come by one line share one byte rate",
    file: "server/src/meters.ts",
    from: `\${address ?? ""}`,
    to: ``,
    breaks: "LM40",
    scenario: "",
    by: "server/src/bytes.test.ts > [LM40] requests of one address over one line",
  },
  {
    name: "count a user of a proxy's line as the proxy (transport)",
    file: "server/src/server.ts",
    from: `    address,
    line: inlet.line,`,
    to: `    address: undefined,
    line: inlet.line,`,
    breaks: "LM40",
    scenario: "",
    by: "server/src/transports/bytes.test.ts > [LM40] 500 users behind a trusted proxy's",
  },
  {
    name: "forget what a request has used up as soon as it is over",
    file: "server/src/meters.ts",
    from: `return holders === 0 && paid <= this.#now();`,
    to: `return holders === 0;`,
    breaks: "LM40",
    scenario: "",
    by: "server/src/bytes.test.ts > [LM40] what a request has used up outlives it",
  },
  {
    name: "forget the rate of a request that is under way",
    file: "server/src/meters.ts",
    from: `return holders === 0 && paid <= this.#now();`,
    to: `return paid <= this.#now();`,
    breaks: "LM40",
    scenario: "",
    by: "server/src/bytes.test.ts > [LM40] what a request has used up outlives it",
  },
  {
    name: "let go of a byte rate twice",
    file: "server/src/bytes.ts",
    from: `    this.#shared = undefined;
  }`,
    to: `  }`,
    breaks: "LM40",
    scenario: "",
    by: "server/src/bytes.test.ts > [LM40] what a request has used up outlives it",
  },
  {
    name: "remember the byte rates of any number of addresses",
    file: "server/src/meters.ts",
    from: `if (this.#known.size >= this.#most) return this.#crowd;`,
    to: ``,
    breaks: "LM40",
    scenario: "",
    by: "server/src/meters.test.ts > [LM40] over the bound",
  },
];
