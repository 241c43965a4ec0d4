// Mistakes in what the app's hooks hear, and in what both sides make of one message.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const hookMutants = [
  {
    name: "show a hook the very message that the topic gets",
    file: "server/src/app/hooks.ts",
    from: `copy = deepFreeze(serialiser.normaliseMessage(message));`,
    to: `copy = message;`,
    breaks: "HA16",
    scenario: "",
    by: "server/src/app/hooks.test.ts > disturbs nobody and is reported",
  },
  {
    name: "decode for hooks that are not there",
    file: "server/src/hub/dispatch.ts",
    from: `if (this.#context.hooks.incoming.any)`,
    to: `if (this.#context.hooks !== undefined)`,
    breaks: "HA16",
    scenario: "",
    by: "server/src/app/hooks.test.ts > nothing is decoded for nobody",
  },
  {
    name: "look for hooks when a target is opened, and not when something is applied to it",
    file: "server/src/target/target-registry.ts",
    from: `hooked: () => live.hooked,`,
    to: `hooked: ((hooked) => () => hooked)(live.hooked),`,
    breaks: "HA17",
    scenario: "",
    by: "server/src/app/hooks.test.ts > on a topic that is open",
  },
  {
    name: "call a hook that was registered by one of the same call",
    file: "server/src/app/hooks.ts",
    from: `this.#all = [...this.#all, one];`,
    to: `(this.#all as (typeof one)[]).push(one);`,
    breaks: "HA17",
    scenario: "",
    by: "server/src/app/hooks.test.ts > while it is called",
  },
  {
    name: "show a schema the fields that the wire drops",
    file: "shared/src/updates/apply.ts",
    from: `check(schema, withoutUndefined(fieldsOf(value)))`,
    to: `check(schema, fieldsOf(value))`,
    breaks: "WR29",
    scenario: "",
    by: "testing/test/whole/one-message.test.ts > a field that is undefined",
  },
  {
    name: "keep what a pick gave as long as the state is the same",
    file: "client/src/selection.ts",
    from: `(from.value === value ? !same(picked, next) && same(next, pick(value)) : !equal(picked, next))`,
    to: `(from.value !== value && !equal(picked, next))`,
    breaks: "CL9",
    scenario: "",
    by: "client/test/subscribing.test.ts > sees what its pick closes over",
  },
];
