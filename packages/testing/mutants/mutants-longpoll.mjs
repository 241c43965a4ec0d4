// What a session made of polls must not get wrong: who is told, what is kept, and what becomes of a POST.

const HERE = "server/src/channels/transports/longpoll";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const longpollMutants = [
  {
    name: "refuse a POST that comes too slowly without a word",
    file: `${HERE}/longpoll.ts`,
    from: `body.reason === "aborted" ? refused(408)`,
    to: `body.reason !== "busy" ? refused(408)`,
    breaks: "LP55",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP40] [LP55]`,
    fast: true,
  },
  {
    name: "give what waits to a poll whose peer has gone",
    file: `${HERE}/session.ts`,
    from: `      if (poll.over) continue;
`,
    to: ``,
    breaks: "LP35",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP35] a poll whose peer has gone`,
    fast: true,
  },
  {
    name: "tell the older of two polls",
    file: `${HERE}/session.ts`,
    from: `for (let poll = this.#polls.pop(); poll !== undefined; poll = this.#polls.pop()) {`,
    to: `for (let poll = this.#polls.shift(); poll !== undefined; poll = this.#polls.shift()) {`,
    breaks: "LP20",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP20] the newer of two polls`,
  },
  {
    name: "let a session that has ended keep its polls waiting",
    file: `${HERE}/session.ts`,
    from: `for (const poll of strict ? [] : this.#polls) {`,
    to: `for (const poll of strict ? this.#polls : []) {`,
    breaks: "LP25",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP25] every poll that waits`,
    fast: true,
  },
  {
    name: "let a poll whose session is over go on with a new one",
    file: `${HERE}/longpoll.ts`,
    from: `this.#hearsOfEnd(asked) ? OVER`,
    to: `this.#hearsOfEnd(asked) && false ? OVER`,
    breaks: "LP54",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP13] [LP54] a GET with a token that was changed`,
    fast: true,
  },
  {
    name: "tell a client for ever that its session is over",
    file: `${HERE}/longpoll.ts`,
    from: `if (told.delete(text)) return false;`,
    to: `if (told.delete(text)) return true;`,
    breaks: "LP54",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP13] [LP54] a GET with a token that was changed`,
    fast: true,
  },
  {
    name: "end a session for a line that is malformed",
    file: `${HERE}/session.ts`,
    from: `      this.#fault = code === 1009 ? "too-large" : "malformed";
      return;
`,
    to: `      this.#fault = code === 1009 ? "too-large" : "malformed";
`,
    breaks: "MF22",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [MF22] a malformed line`,
    fast: true,
  },
  {
    name: "take every later close for that of a malformed line",
    file: `${HERE}/session.ts`,
    from: `      this.#saying = false;
`,
    to: ``,
    breaks: "LP48",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP48] a close that says malformed`,
  },
  {
    name: "refuse a POST for what the one before said",
    file: `${HERE}/session.ts`,
    from: `    this.#fault = undefined;
`,
    to: ``,
    breaks: "MF22",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [MF22] a malformed line`,
  },
  {
    name: "keep what waits without a bound",
    file: `${HERE}/session.ts`,
    from: `    if (full && this.#frames.length > 0) return this.#end(1013, "slow");
`,
    to: ``,
    breaks: "LP47",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP47] more than may wait`,
  },
  {
    name: "end a session as slow whose poll waits",
    file: `${HERE}/session.ts`,
    from: `    if (full) this.flush();
`,
    to: ``,
    breaks: "LP47",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP47] a burst of one turn`,
  },
  {
    name: "say one session's frame to the next for another",
    file: `${HERE}/session.ts`,
    from: `  if (frame !== last) {`,
    to: `  if (frame !== last && lastQuoted === "") {`,
    breaks: "LP5",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP5] one frame that is said to many`,
  },
  {
    name: "keep a session for its POSTs",
    file: `${HERE}/session.ts`,
    from: `    hear();
`,
    to: `    hear();
    this.polled = this.#context.now();
`,
    breaks: "LP18",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP17] [LP18] without a poll`,
    fast: true,
  },
  {
    name: "never look at a session again that once polled in time",
    file: `${HERE}/longpoll.ts`,
    from: `      else this.#inactive.set(session);
`,
    to: ``,
    breaks: "LP17",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP17] one that polls lives on`,
  },
  {
    name: "keep a session whose client went while connect decided",
    file: `${HERE}/longpoll.ts`,
    from: `if (exchange.over || this.#closed) session.close(1001, "closing");`,
    to: `if (this.#closed) session.close(1001, "closing");`,
    breaks: "LP43",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP43] one that goes`,
  },
  {
    name: "drop the lines beyond a hundred without a word",
    file: `${HERE}/longpoll.ts`,
    from: `    if (read.more)`,
    to: `    if (read.more && strictPhoenix)`,
    breaks: "LP8",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP8] of too many lines`,
  },
  {
    name: "take a token for genuine whoever sealed it",
    file: `${HERE}/tokens.ts`,
    from: `  if (parts === undefined || !sealHolds(text.slice(-SEAL_LENGTH), FORM, parts, key)) return undefined;`,
    to: `  if (parts === undefined || key.length === 0) return undefined;`,
    breaks: "LP29",
    scenario: "",
    by: `${HERE}/tokens.test.ts > [LP29] a token of another key`,
    fast: true,
  },
  {
    name: "go on with a session whose token is too old",
    file: `${HERE}/longpoll.ts`,
    from: `return session !== undefined && this.#host.clock.now() - session.issued < OLDEST ? session : undefined;`,
    to: `return session;`,
    breaks: "LP30",
    scenario: "",
    by: `${HERE}/longpoll.test.ts > [LP30] a token of two weeks`,
  },
  {
    name: "let one deadline that throws hold up all behind it",
    file: `${HERE}/deadlines.ts`,
    from: `    contain(this.#report, () => this.#due(item));`,
    to: `    this.#due(item);`,
    breaks: "LP51",
    scenario: "",
    by: `${HERE}/deadlines.test.ts > [LP51] one that throws`,
  },
  {
    name: "make a serialiser for each session that has none of its own",
    file: `${HERE}/text-only.ts`,
    from: `  made.set(serialiser, only);
`,
    to: ``,
    breaks: "BI22",
    scenario: "",
    by: `${HERE}/text-only.test.ts > [BI22] is one for each serialiser`,
  },
  {
    name: "say an empty line as a frame of no bytes",
    file: `${HERE}/body.ts`,
    from: `    if (line === "" && !strict) continue;
`,
    to: ``,
    breaks: "MF25",
    scenario: "",
    by: `${HERE}/body.test.ts > [MF25] an empty line`,
  },
  {
    name: "forget what is held of other POSTs",
    file: `${HERE}/session.ts`,
    from: `        this.#unfinished += unfinished - held;
`,
    to: `        this.#unfinished = unfinished;
`,
    breaks: "LP49",
    scenario: "",
    by: `${HERE}/session.test.ts > [LP49] the channels hear of every byte`,
  },
];
