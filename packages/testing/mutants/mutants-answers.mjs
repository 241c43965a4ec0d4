// Mistakes about answers that come late, too often or in a form that nobody can carry. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const answerMutants = [
  {
    name: "count an answer though rights changed while the app was asked",
    file: "server/src/app/inquiry.ts",
    from: `      this.#outdated = false;
      const said = this.#ask();`,
    to: `      const said = this.#ask();
      this.#outdated = false;`,
    breaks: "AU15",
    scenario: "S43",
    by: "server/src/app/inquiry.test.ts > [AU15] an answer at once is given at once",
  },
  {
    name: "take details that no format carries for none, in strict mode too",
    file: "server/src/target/checked-apply.ts",
    from: `return strict ? threw(error) : {`,
    to: `return {`,
    breaks: "TE34",
    scenario: "",
    by: "server/src/target/checked-apply.test.ts > [TE34] a rejection with details that no format carries",
  },
  {
    name: "go on for ever with a migration that others are always ahead of",
    file: "server/src/target/open-target.ts",
    from: `attempt < MOST_ATTEMPTS`,
    to: `attempt < 10 * MOST_ATTEMPTS`,
    breaks: "VE12",
    scenario: "S38",
    by: "server/test/versions.test.ts > [VE12] S38 a newer node that never is first",
  },
];
