// Mistakes in what bindings of frameworks stand on, and in the binding of React. As in mutants.mjs.

const topic = "client/src/topic.test.ts";
const rejections = "client/src/rejections.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const bindingMutants = [
  {
    name: "ask anew for what is refused, each time that it is shown",
    file: "client/src/engine/subscriptions.ts",
    from: `if (!core.closed && one.subscription.phase !== "refused") retain(core, one)();`,
    to: `if (!core.closed) retain(core, one)();`,
    breaks: "BN1",
    scenario: "",
    by: `${topic} > [BN1] touch asks for nothing that is refused`,
  },
  {
    name: "forget at once that a topic was refused which was only touched",
    file: "client/src/engine/subscriptions.ts",
    from: `stop(one, holders || lingering ? code : undefined);`,
    to: `stop(one, holders ? code : undefined);`,
    breaks: "BN1",
    scenario: "",
    by: `${topic} > [BN1] touch asks for nothing that is refused`,
  },
  {
    name: "lose an earlier page's rejection that nobody listens for yet",
    file: "client/src/rejections.ts",
    from: `if (earlier && !heard) unheard`,
    to: `if (!earlier && !heard) unheard`,
    breaks: "BN5",
    scenario: "",
    by: `${rejections} > [BN5] an earlier page's wait`,
  },
  {
    name: "tell what waited before the code that listens is through",
    file: "client/src/rejections.ts",
    from: `later(() => {`,
    to: `(0, (run) => run())(() => {`,
    breaks: "BN5",
    scenario: "",
    by: `${rejections} > [BN5] an earlier page's wait`,
  },
  {
    name: "keep what was picked before, whatever it is",
    file: "client/src/selection.ts",
    from: `if (!last || !equal(last.value, next)) last`,
    to: `if (!last) last`,
    breaks: "BN2",
    scenario: "",
    by: `client/src/selection.test.ts > [BN2] another memo`,
  },
];
