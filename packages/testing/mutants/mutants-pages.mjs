// Mistakes in what slices do in a page, and in what a page leaves out. As in mutants.mjs.
export const pagesMutants = [
  {
    name: "keep the latest of an author who has left",
    file: "shared/src/wiring/ephemeral-page.ts",
    from: `        latest.delete(from);`,
    to: ``,
    breaks: "EP2",
    scenario: "",
    by: "shared/src/wiring/ephemeral-page.test.ts > [EP2] the latest of each author stands",
  },
  {
    name: "say what was told in a turn at each turn again",
    file: "shared/src/wiring/ephemeral-page.ts",
    from: `        told = [];`,
    to: ``,
    breaks: "EP1",
    scenario: "",
    by: "shared/src/wiring/ephemeral-page.test.ts > [EP1] [EP5] what is told in a turn leaves once",
  },
  {
    name: "tell a peer of every complaint of a schema",
    file: "shared/src/guards/issues.ts",
    from: `issues.slice(0, MAX_ISSUES).map(plain)`,
    to: `issues.map(plain)`,
    breaks: "WR12",
    scenario: "",
    by: "shared/src/guards/issues.test.ts > [WR12] a peer hears of the first few",
  },
];
