// Mistakes about who somebody is: ids, names, who is sent away, what a shared computer keeps.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const identityMutants = [
  {
    name: "make ids of the message id alone",
    file: "shared/src/updates/run-update.ts",
    from: `-\${++ids}\${authorPart(userId, visitor)}\``,
    to: `-\${++ids}\${authorPart(null, visitor)}\``,
    breaks: "WR16",
    scenario: "",
    by: "server/test/author.test.ts > eve sends her message under the id of ada's",
  },
  {
    name: "keep a message id as it is where ids are made of it",
    file: "shared/src/updates/run-update.ts",
    from: `\${plain(messageId)}-`,
    to: `\${messageId}-`,
    breaks: "WR16",
    scenario: "",
    by: "shared/src/wire/author.test.ts > whatever message ids are sent",
  },
  {
    name: "hash a target behind its client",
    file: "shared/src/wire/author.ts",
    from: `hashString(\`\${target}\\n\${clientId}\`);`,
    to: `hashString(\`\${clientId}\\n\${target}\`);`,
    breaks: "PR5",
    scenario: "",
    by: "shared/src/wire/author.test.ts > tell nothing of each other",
  },
  {
    name: "give a keyed dispatch its key as its id",
    file: "server/src/hub/dispatch.ts",
    from: `messageId(this.#context.random) : \`#\${key}\``,
    to: `messageId(this.#context.random) : key`,
    breaks: "WR16",
    scenario: "",
    by: "server/test/author.test.ts > keys none that was seen",
  },
  {
    name: "predict on under the name of a former identity",
    file: "client/src/engine/greeting.ts",
    from: `  one.replica.repeat();
`,
    to: ``,
    breaks: "WR16",
    scenario: "",
    by: "client/test/author.test.ts > what is pending is predicted anew",
  },
  {
    name: "keep who is sent away to oneself",
    file: "server/src/server.ts",
    from: `tellKick(context, kick);`,
    to: ``,
    breaks: "AU18",
    scenario: "",
    by: "server/src/identity/kick.test.ts > is sent away from other nodes too",
  },
  {
    name: "let open pages store again when everyone has been forgotten",
    file: "client/src/tabs/claimed-client.ts",
    from: `values: new Map([[GENERATION, messageId(options.random)]]),`,
    to: `values: new Map(),`,
    breaks: "OB14",
    scenario: "",
    by: "client/test/everyone.test.ts > other pages store nothing any more",
  },
];
