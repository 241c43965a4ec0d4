// Mistakes in the parts of a client's engine that the tests beside their files catch. As in mutants.mjs.

const suspects = "client/src/engine/suspects.test.ts";

const incoming = "client/src/engine/incoming.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const unitMutants = [
  {
    name: "send a doubted message while others have no answer yet",
    file: "client/src/engine/suspects.ts",
    from: `if (beside) return [];`,
    to: ``,
    breaks: "OB39",
    scenario: "S27",
    by: `${suspects} > [OB39] [OB44] it leaves only when`,
  },
  {
    name: "hold a message after three ends where messages that had ended as many arrived",
    file: "client/src/engine/suspects.ts",
    from: `proof = Math.min(proof + 1, MOST_PROOF);`,
    to: `proof = PROOF;`,
    breaks: "OB45",
    scenario: "S27",
    by: `${suspects} > [OB45] where one that had ended`,
  },
  {
    name: "send something new beside a doubted message",
    file: "client/src/engine/outbox.ts",
    from: `else free.push(entry);`,
    to: `else send(entry, queue);`,
    breaks: "OB44",
    scenario: "S27",
    by: "client/src/engine/outbox.test.ts > [OB44] beside a doubted one nothing leaves",
  },
  {
    name: "go on looking at what stands behind a held message in every turn",
    file: "client/src/engine/holding.ts",
    from: `targetOf(core, entry.target).queue.entries.forEach(clear);`,
    to: ``,
    breaks: "RB14",
    scenario: "S20",
    by: "client/src/engine/holding.test.ts > [OB20] [RB14] what stands behind",
  },
  {
    name: "send once more, under another identity, what an earlier page has cancelled",
    file: "client/src/engine/outbox.ts",
    from: `if (entry.voided && cancelled) entry.out = false;`,
    to: `if (cancelled && entry.messages.length > 0) {
    entry.voided = core.conflicted = true;
    entry.out = false;
  }`,
    breaks: "OB33",
    scenario: "S35",
    by: "client/test/poison.test.ts > [OB33] S20 S35 the page ends",
  },
  {
    name: "take a reason of the app's for Calla's of the same name",
    file: "client/src/engine/entry.ts",
    from: `error.code === code && (error as { readonly from?: string }).from !== "app";`,
    to: `error.code === code;`,
    breaks: "OB33",
    scenario: "",
    by: `${incoming} > [OB33] a reason of the app's`,
  },
  {
    name: "make a topic anew by a late answer",
    file: "client/src/engine/incoming.ts",
    from: `!core.targets.has(frame.target) &&`,
    to: `!core.open &&`,
    breaks: "CL4",
    scenario: "S19",
    by: `${incoming} > [CL4]`,
  },
  {
    name: "end the connection because the app's digest throws",
    file: "client/src/engine/incoming.ts",
    from: `if (digest !== undefined) contain(core.report, look, one.replica.confirmed?.model);`,
    to: `if (digest !== undefined) look(one.replica.confirmed?.model);`,
    breaks: "VE9",
    scenario: "",
    by: `${incoming} > [VE9] [CL48]`,
  },
  {
    name: "send when all has been shown",
    file: "client/src/engine/life.ts",
    from: `  send(core);
  if (changed.size > 0) showChanged(core);`,
    to: `  if (changed.size > 0) showChanged(core);
  send(core);`,
    breaks: "CL61",
    scenario: "",
    by: "client/src/engine/life.test.ts > [CL61] what a turn dispatched",
  },
  {
    name: "store when all has been shown",
    file: "client/src/storage/ledger.ts",
    from: `    new Promise<void>((resolve) => resolve(lost ? undefined : storage.commit(all))).then(`,
    to: `    Promise.resolve().then(() => (lost ? undefined : storage.commit(all))).then(`,
    breaks: "CL61",
    scenario: "",
    by: "client/src/storage/ledger.test.ts > [CL61] the storage has",
  },
  {
    name: "let models that cannot be compared end the turn",
    file: "client/src/engine/life.ts",
    from: `same: comparing(options.serialiser.same),`,
    to: `same: options.serialiser.same,`,
    breaks: "CL9",
    scenario: "",
    by: "client/src/engine/life.test.ts > [CL9] [RB6] models that cannot be compared",
  },
  {
    name: "wait for a late timer with all that comes",
    file: "client/src/connection/connection.ts",
    from: `if (!resting || clock.monotonic() - tookAt > STRETCH) takeWaiting();`,
    to: `if (!resting) takeWaiting();`,
    breaks: "CL60",
    scenario: "",
    by: "client/src/connection/connection.test.ts > [CL60] where timers come late",
  },
];
