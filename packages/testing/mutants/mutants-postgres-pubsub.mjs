// Mistakes with calls to Postgres, and with what nodes say to each other over it. As in mutants.mjs.

const driver = "server/src/postgres/driver";
const pubsub = "server/src/postgres/pubsub";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const postgresPubSubMutants = [
  {
    name: "repeat over Postgres what may have been done",
    file: `${driver}/calls.ts`,
    from: `if (signal.aborted || !(isRepeatable(error) || isReadOnly(error))) throw error;`,
    to: `if (signal.aborted) throw error;`,
    breaks: "PG4",
    scenario: "",
    by: `${driver}/calls.test.ts > [PG4] anything else`,
  },
  {
    name: "hear of Postgres what was said again",
    file: `${pubsub}/inbox.ts`,
    from: `if (number <= sender.last) return;`,
    to: ``,
    breaks: "PG11",
    scenario: "",
    by: `${pubsub}/inbox.test.ts > [PG11] what comes twice`,
  },
  {
    name: "join what is left of a message over Postgres",
    file: `${pubsub}/inbox.ts`,
    from: `      this.#drop(sender);
      this.#options.gap();
    }
    sender.last`,
    to: `      this.#options.gap();
    }
    sender.last`,
    breaks: "PG11",
    scenario: "",
    by: `${pubsub}/inbox.test.ts > [PG11] the beginning of one message`,
  },
  {
    name: "hold whatever is half of a message over Postgres",
    file: `${pubsub}/inbox.ts`,
    from: `if (this.#held <= this.#options.mostOfAll) return;`,
    to: `return;`,
    breaks: "PG14",
    scenario: "",
    by: `${pubsub}/inbox.test.ts > [PG14] what is half here`,
  },
  {
    name: "cut a character for Postgres in two",
    file: `${pubsub}/frames.ts`,
    from: `at + encoder.encodeInto(message.slice(at, at + MOST_BYTES), part).read;`,
    to: `Math.min(message.length, at + MOST_BYTES);`,
    breaks: "PG10",
    scenario: "",
    by: `${pubsub}/frames.test.ts > [PG10] a pair that would be cut`,
  },
  {
    name: "say nothing of what Postgres has not carried while it was away",
    file: `${pubsub}/outbox.ts`,
    from: `if (this.#skipped) this.#numbers++;`,
    to: ``,
    breaks: "PG14",
    scenario: "",
    by: `${pubsub}/postgres-pubsub.test.ts > [PG14] what waits is bounded`,
  },
  {
    name: "believe a line to Postgres that does not hear",
    file: `${pubsub}/ear.ts`,
    from: `if (this.#last >= sent) return`,
    to: `if (this.#last >= 0) return`,
    breaks: "PG16",
    scenario: "",
    by: `${pubsub}/postgres-pubsub.test.ts > [PG16] a line that hears nothing`,
  },
  {
    name: "leave lines to Postgres open that hang while they are made",
    file: `${pubsub}/kept-line.ts`,
    from: `    this.#giveUp.abort();
`,
    to: ``,
    breaks: "PG15",
    scenario: "",
    by: `${pubsub}/postgres-pubsub.test.ts > [PG15] a line that hangs`,
  },
  {
    name: "tell no gap behind a line to Postgres that was lost",
    file: `${pubsub}/postgres-pubsub.ts`,
    from: `if (lines++ > 0 || wanted.size > 0) tellGap();`,
    to: `if (lines++ < 0) tellGap();`,
    breaks: "PG15",
    scenario: "",
    by: `${pubsub}/postgres-pubsub.test.ts > [PG15] a line that is lost`,
  },
  {
    name: "take for heard over Postgres what was said before",
    file: `${pubsub}/ear.ts`,
    from: `if (this.#works || own <= this.#before) return;`,
    to: `if (this.#works) return;`,
    breaks: "PG18",
    scenario: "",
    by: `${pubsub}/ear.test.ts > [PG18] a line is tried at once`,
  },
  {
    name: "believe a line to another Postgres, where others speak",
    file: `${pubsub}/ear.ts`,
    from: `if (this.#works && this.#count > count)`,
    to: `if (this.#count > count)`,
    breaks: "PG18",
    scenario: "",
    by: `${pubsub}/ear.test.ts > [PG18] one that hears others`,
  },
  {
    name: "tell of a deaf line to Postgres each time that it is made",
    file: `${pubsub}/kept-line.ts`,
    from: `if (!this.#told.has(\`\${code}\`)) onError(error);`,
    to: `onError(error);`,
    breaks: "PG18",
    scenario: "",
    by: `${pubsub}/postgres-pubsub.test.ts > [PG18] a line that has never heard`,
  },
  {
    name: "stay with the connections that led to a standby of Postgres",
    file: "server/src/postgres/log/fitness.ts",
    from: `    calls.renew();
`,
    to: ``,
    breaks: "PL18",
    scenario: "",
    by: "server/src/postgres/log/create.test.ts > [PL18] a standby is refused once",
  },
];
