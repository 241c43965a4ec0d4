// What clients of supabase must not meet: each other's private words, frames that break them, rights that have gone.

const SUPABASE = "server/src/supabase";
const CHANNEL = `${SUPABASE}/realtime-channel.ts`;
const CHANNEL_TEST = `${SUPABASE}/realtime-channel.test.ts`;
const HTTP_TEST = `${SUPABASE}/http.test.ts`;

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const supabaseMutants = [
  {
    name: "let who is on a topic's public channel hear its private ones",
    file: `${SUPABASE}/topics.ts`,
    from: "isPrivate ? `${PREFIX}\\u0001${appTopic}` : PREFIX + appTopic",
    to: "PREFIX + appTopic",
    breaks: "SB19",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB19] what a client says in public`,
    fast: true,
  },
  {
    name: "let a public channel have the name of a topic's private ones",
    file: `${SUPABASE}/topics.ts`,
    from: `/[\\p{Cc}\\p{Surrogate}]/u`,
    to: `/[\\p{Surrogate}]/u`,
    breaks: "SB1",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB1]`,
  },
  {
    name: "make a public channel of a private that cannot be read",
    file: `${SUPABASE}/join-config.ts`,
    from: `if (isPrivate === undefined) return`,
    to: `if (isPrivate === null) return`,
    breaks: "SB4",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB4]`,
  },
  {
    name: "hand on JSON that is none, at which those who hear it break",
    file: `${SUPABASE}/user-broadcast.ts`,
    from: `    parseJson(text, limits);`,
    to: ``,
    breaks: "SB15",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB15]`,
    fast: true,
  },
  {
    name: "take what mayWrite said before rights changed",
    file: CHANNEL,
    from: `if (member.changes === changes) member.mayWrite = mayWrite;`,
    to: `member.mayWrite = mayWrite;`,
    breaks: "SB27",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB27] an answer to what was asked`,
  },
  {
    name: "remember the right to write of the user before",
    file: `${SUPABASE}/member.ts`,
    from: `    this.mayWrite = undefined;`,
    to: ``,
    breaks: "SB30",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB30]`,
  },
  {
    name: "let a private channel outlive its token",
    file: CHANNEL,
    from: `const at = member.isPrivate ? expiryOf(member.user) : undefined;`,
    to: `const at = member.isPrivate ? undefined : expiryOf(member.user);`,
    breaks: "SB33",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB33] a private channel ends`,
  },
  {
    name: "let a client write whose token has ended while the machine was asleep",
    file: CHANNEL,
    from: `if (isOver(member.user, this.#clock.now())) return failed(socket, EXPIRED);
    if (member.mayWrite === true)`,
    to: `if (member.mayWrite === true)`,
    breaks: "SB33",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB33] a clock that is set`,
  },
  {
    name: "give who joins again a new burst",
    file: CHANNEL,
    from: `    member.paid = visitor?.owes(socket.topic) ?? 0;
`,
    to: ``,
    breaks: "SB35",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB35] who joins again has no new burst`,
  },
  {
    name: "replay what was heard while the store was read",
    file: `${SUPABASE}/broadcasts.ts`,
    from: `Number(id.slice(own.length)) <= mark`,
    to: `mark >= 0`,
    breaks: "SB41",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB41]`,
  },
  {
    name: "say a request's public messages before its private ones are refused",
    file: `${SUPABASE}/http.ts`,
    from: `    const topics = new Set(`,
    to: `    for (const message of messages.filter((one) => !one.isPrivate))
      this.#broadcasts.say(message, contentOf(message.event, message.payload));
    const topics = new Set(`,
    breaks: "SB50",
    scenario: "",
    by: `${HTTP_TEST} > [SB50]`,
  },
  {
    name: "let a client drop malformed frames on a server without end",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `error.dropped && this.#pays()`,
    to: `error.dropped`,
    breaks: "SB20",
    scenario: "",
    by: `${CHANNEL_TEST} > [SB20]`,
  },
];
