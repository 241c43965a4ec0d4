// Mistakes in leaving: an identity with messages that are held, a target with outcomes to tell, a turn with a look in it. As
// in mutants.mjs.
const poison = "client/test/poison.test.ts";
const identity = "client/test/other-identity.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const leavingMutants = [
  {
    name: "send a message let go under a mid that is void",
    file: "client/src/engine/outbox.ts",
    from: `|| entry.held || entry.voided ||`,
    to: `|| entry.held ||`,
    breaks: "OB33",
    scenario: "S35",
    by: "client/src/engine/outbox.test.ts > [OB33] what was made void",
  },
  {
    name: "leave what stands behind a held message out of what is made void",
    file: "client/src/engine/outbox.ts",
    from: `entries.slice(first).filter`,
    to: `entries.slice(first, first + 1).filter`,
    breaks: "OB33",
    scenario: "S35",
    by: `${poison} > [OB33] [OB8] S35`,
  },
  {
    name: "let a message go before it is stored under its new identity",
    file: "client/src/engine/holding.ts",
    from: `if (entry.stage !== "new") offer(core, targetOf`,
    to: `offer(core, targetOf`,
    breaks: "OB1",
    scenario: "S35",
    by: `${identity} > [OB1] [OB33] S35`,
  },
  {
    name: "store a held message without a mid",
    file: "client/src/engine/holding.ts",
    from: `if (entry.mid > 0) core.ledger`,
    to: `core.ledger`,
    breaks: "OB2",
    scenario: "S35",
    by: `${identity} > [OB1] [OB33] S35`,
  },
  {
    name: "make a target anew at each connection for whatever was ever written to",
    file: "client/src/engine/greeting.ts",
    from: `  if (queue.entries.length === 0) return;`,
    to: ``,
    breaks: "CL7",
    scenario: "",
    by: `${identity} > [CL7]`,
  },
  {
    name: "forget the target that has taken the place of the one that ended",
    file: "client/src/engine/targets.ts",
    from: ` && targets.get(key) === one) targets`,
    to: `) targets`,
    breaks: "CL7",
    scenario: "",
    by: "client/src/engine/subscriptions.test.ts > [CL7] [RB13]",
  },
  {
    name: "tell another object than the state that was looked at within the turn",
    file: "client/src/engine/state.ts",
    from: `if (state !== one.state && saidBy(one.state)) return one.state;`,
    to: ``,
    breaks: "CL9",
    scenario: "",
    by: "client/test/subscribing.test.ts > [CL9] a state that was looked at",
  },
];
