// Mistakes with what outlives a page, a server or a topic: tabs, pages that bring their topics along, consumers, lifetimes,
// the past, deploys. As in mutants.mjs.

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const durableMutants = [
  // ---------------------------------------------------------------------------------------------------- client: tabs
  {
    name: "let a page go on writing a client that another has taken",
    file: "client/src/tabs/claimed-client.ts",
    from: `if (stored) expect.set(tokenKey(id), goes ? [token, undefined] : [token]);`,
    to: ``,
    breaks: "TB3",
    scenario: "S18",
    by: "client/test/indexeddb.test.ts > [TB3] S18 who took a client last",
  },
  {
    name: "take a client that another page holds",
    file: "client/src/tabs/tab-storage.ts",
    from: `    let lock = await locks.take(pageLock(id));
    // The`,
    to: `    let lock = await locks.take(pageLock(id), "steal");
    // The`,
    breaks: "TB1",
    scenario: "S18",
    by: "testing/test/tabs/tabs.test.ts > [TB1] S18 a duplicated tab",
  },
  {
    name: "do not wait for what a reloaded page's former life holds",
    file: "client/src/tabs/tab-storage.ts",
    from: `(isOwn(one) && note?.left ? PATIENCE : 0)`,
    to: `0`,
    breaks: "TB1",
    scenario: "S6",
    by: "testing/test/tabs/tabs.test.ts > [TB1] S6 S20 a reloaded tab",
  },
  {
    name: "take another user's client",
    file: "client/src/tabs/tab-storage.ts",
    from: `({ user }) => owner.user === undefined || owner.user === user,`,
    to: `() => true,`,
    breaks: "TB5",
    scenario: "S41",
    by: "testing/test/tabs/tabs.test.ts > neither shows nor sends what the first left",
  },
  {
    name: "clear away unsent messages with clients that have none",
    file: "client/src/tabs/abandoned-clients.ts",
    from: `const stays = one.waiting > 0 ? age < UNSENT * keepFor : age < keepFor && count < keepFree;`,
    to: `const stays = age < keepFor && count < keepFree;`,
    breaks: "TB7",
    scenario: "S19",
    by: "testing/test/tabs/tabs.test.ts > [TB7] S19 unsent messages",
  },

  // -------------------------------------------------------------------------------------------------------- hydration
  {
    name: "put a model into a page as plain JSON",
    file: "server/src/hydration.ts",
    from: `return text.replaceAll(/[<>&\\u2028\\u2029]/g, escaped);`,
    to: `return text;`,
    breaks: "HY2",
    scenario: "S29",
    by: "testing/test/scenarios/hydration.test.ts > [HY2] S29 hostile books",
  },
  {
    name: "put a session into a page that may be stored",
    file: "server/src/hydration.ts",
    from: `if (session !== undefined) forbidStoring(session.response);`,
    to: ``,
    breaks: "HY3",
    scenario: "S41",
    by: "testing/test/scenarios/hydration.test.ts > [HY3]",
  },
  {
    name: "render what a node that lags has in memory",
    file: "server/src/hydration.ts",
    from: `if (context.log.shared && !(await hub.commitLoop.look(live)))`,
    to: `if (context.log.shared && live.closed)`,
    breaks: "HY1",
    scenario: "S42",
    by: "testing/test/scenarios/hydration.test.ts > [HY1] a node that lags",
  },
  {
    name: "begin from the page where a message waits for its outcome",
    file: "client/src/hydration.ts",
    from: `if (undecided || (models`,
    to: `if ((models`,
    breaks: "HY5",
    scenario: "S6",
    by: "client/src/hydration.test.ts > [HY5] S6 where a message waits",
  },
  {
    name: "begin a session from another client's page",
    file: "client/src/hydration.ts",
    from: `if (session && stored.identity?.clientId === clientId) fresh`,
    to: `if (session) fresh`,
    breaks: "HY6",
    scenario: "S41",
    by: "client/src/hydration.test.ts > [HY6] S41 a session is begun",
  },

  // -------------------------------------------------------------------------------------------------- server: consumers
  {
    name: "skip what a consumer's handler fails at",
    file: "server/src/history/log-consumers.ts",
    from: `        await this.#wait(backoff(failures));
      }
    }
  }`,
    to: `        return true;
      }
    }
  }`,
    breaks: "RD2",
    scenario: "",
    by: "server/src/history/log-consumers.test.ts > [RD2] a handler that fails",
  },
  {
    name: "store a consumer's place before its handler has run",
    file: "server/src/history/log-consumers.ts",
    from: `      if (told !== undefined && !(await this.#tell(told))) return true;
      this.#done = change.position;`,
    to: `      this.#done = change.position;
      await this.#save();
      if (told !== undefined && !(await this.#tell(told))) return true;`,
    breaks: "RD3",
    scenario: "S7",
    by: "server/src/history/log-consumers.test.ts > [RD2] [RD5] what was not done",
  },
  {
    name: "go on telling behind a lease that has ended",
    file: "server/src/history/log-consumers.ts",
    from: `if (this.#stopping || !this.#held) return false;`,
    to: `if (this.#stopping) return false;`,
    breaks: "RD4",
    scenario: "",
    by: "server/src/history/log-consumers.test.ts > [RD4] a node that was held up",
  },

  // ------------------------------------------------------------------------------------------------ server: lifetimes
  {
    name: "forget a client's mids while its identity lives",
    file: "server/src/target/expiry.ts",
    from: `rows: identities,`,
    to: `rows: now - limits.identityLifetime / 2,`,
    breaks: "LT2",
    scenario: "S35",
    by: "server/src/target/expiry.test.ts > [LT2] [LT7] a client's mids",
  },
  {
    name: "let a session expire that has a subscriber",
    file: "server/src/target/expiry.ts",
    from: `for (const live of this.#registry.all()) if (!live.audience.empty) this.used(live);`,
    to: ``,
    breaks: "LT1",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT1] a session that has a subscriber",
  },
  {
    name: "let sessions go although what is in use could not be written down",
    file: "server/src/target/expiry.ts",
    from: `    await this.flush();
    const`,
    to: `    await this.flush().catch(this.#context.report);
    const`,
    breaks: "LT1",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT1] [LT5] while the log cannot be told",
  },
  {
    name: "let a tombstone go with the sessions",
    file: "server/src/target/expiry.ts",
    from: `tombstones: identities,`,
    to: `tombstones: now - limits.sessionLifetime / SHARE,`,
    breaks: "LT3",
    scenario: "S46",
    by: "server/src/target/expiry.test.ts > [LT3] a tombstone",
  },
  {
    name: "let a consumer go as soon as its lease has ended",
    file: "server/src/target/expiry.ts",
    from: `consumers: now - limits.consumerLifetime,`,
    to: `consumers: now,`,
    breaks: "LT4",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT4] a consumer that no node has run",
  },
  {
    name: "keep what no consumer will ever read",
    file: "server/src/target/expiry.ts",
    from: `consumers: now - limits.consumerLifetime,`,
    to: `consumers: 0,`,
    breaks: "LT4",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT4] a consumer whose node vanished",
  },
  {
    name: "let a consumer go in silence",
    file: "server/src/target/expiry.ts",
    from: `for (const name of consumers) {`,
    to: `for (const name of [] as string[]) {`,
    breaks: "LT4",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT4] a consumer that no node has run",
  },
  {
    name: "renew no lease while a consumer's handler takes its time",
    file: "server/src/history/log-consumers.ts",
    from: `    this.#heldUntil = begun + LEASE;
    this.#renew();`,
    to: `    this.#heldUntil = begun + LEASE;`,
    breaks: "RD4",
    scenario: "",
    by: "server/src/target/expiry.test.ts > [LT4] [RD4] a consumer stays while its handler",
  },

  // ------------------------------------------------------------------------------------------------- server: the past
  {
    name: "fold another version's records into a past model",
    file: "server/src/history/topic-history.ts",
    from: `if (record.version !== slice.version) problem ??= otherVersion(slice, key, record);
      else if`,
    to: `if`,
    breaks: "PA2",
    scenario: "S11",
    by: "server/src/history/topic-history.test.ts > [PA2] S11 records of another version",
  },
  {
    name: "fold the past from the beginning where that is compacted",
    file: "server/src/history/topic-history.ts",
    from: `if (snapshot === undefined && from > 0)`,
    to: `if (snapshot === undefined && from < 0)`,
    breaks: "PA2",
    scenario: "",
    by: "server/src/history/topic-history.test.ts > [PA2] every sequence that the log still has",
  },
  {
    name: "say that the past is all there where it was compacted",
    file: "server/src/history/topic-history.ts",
    from: `=> entryOf<S>(record)), from, earlier };`,
    to: `=> entryOf<S>(record)), from: 0, earlier };`,
    breaks: "PA1",
    scenario: "",
    by: "server/src/history/topic-history.test.ts > [PA1] what was compacted",
  },

  // --------------------------------------------------------------------------------------------------------- deploys
  {
    name: "take packets while draining",
    file: "server/src/hub/admission.ts",
    from: `if (away !== undefined && stream?.leaving !== false)`,
    to: `if (away !== undefined && stream?.leaving === true)`,
    breaks: "SV8",
    scenario: "",
    by: "server/src/connection/drain.test.ts > of a client whose stream is elsewhere",
  },
  {
    name: "keep changed rights to oneself",
    file: "server/src/server.ts",
    from: `tellRights(context, whose);`,
    to: ``,
    breaks: "AU17",
    scenario: "S16",
    by: "server/src/hub/access-recheck.test.ts > S16 each hears whose rights",
  },
  {
    name: "look at all that has subscribers at once",
    file: "server/src/cluster/poll-schedule.ts",
    from: `if (turn === this.#tick) due.push(target);`,
    to: `if (this.#tick === 0) due.push(target);`,
    breaks: "SV6",
    scenario: "",
    by: "server/src/cluster/poll-schedule.test.ts > a node reads each subscribed topic",
  },
  {
    name: "show an older page's stored model as if it were of this version",
    file: "client/src/storage/migrate-stored.ts",
    from: `model: migrateModel(slice, model, from) };`,
    to: `model };`,
    breaks: "VE7",
    scenario: "S38",
    by: "client/test/versions.test.ts > S38 S6 is shown in this page's version",
  },
  {
    name: "show pending messages in the form that an older page gave them",
    file: "client/src/storage/ledger.ts",
    from: `messages: messages.length > 0 ? messages : stored.messages, skipped`,
    to: `messages: stored.messages, skipped`,
    breaks: "VE7",
    scenario: "S11",
    by: "client/test/versions.test.ts > S11 an old queue is migrated",
  },
];
