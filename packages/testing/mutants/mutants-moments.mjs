// What clients of supabase must not gain by the moment at which something comes, or by a flag that nearly says something.

const SUPABASE = "server/src/supabase";
const CHANNEL = `${SUPABASE}/realtime-channel.ts`;
const TEST = `${SUPABASE}/hostile.test.ts`;

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const momentMutants = [
  {
    name: "say in public what a request says with private=1",
    file: `${SUPABASE}/http-requests.ts`,
    from: `const problem = messageProblem(topic, event, isPrivate);
  return problem`,
    to: `const problem = messageProblem(topic, event, isPrivate ?? false);
  return problem`,
    breaks: "SB46",
    scenario: "",
    by: `${TEST} > [SB46] what is said with private=1 `,
  },
  {
    name: "say over HTTP what a token allowed that has ended meanwhile",
    file: `${SUPABASE}/http.ts`,
    from: `    if (isOver(user, this.#clock.now())) throw badToken();
    for`,
    to: `    for`,
    breaks: "SB33",
    scenario: "",
    by: `${TEST} > [SB33] [SB47] says nothing over HTTP`,
  },
  {
    name: "end a channel by what was asked about the user before",
    file: CHANNEL,
    from: `    if (member.changes !== changes) return true;
`,
    to: ``,
    breaks: "SB27",
    scenario: "",
    by: `${TEST} > [SB27] what was said of the user before`,
  },
  {
    name: "wait for a hook for ever",
    file: CHANNEL,
    from: `return inTime(this.#clock, this.#limits.hookTimeout, work);`,
    to: `return work;`,
    breaks: "SB58",
    scenario: "",
    by: `${TEST} > [SB58]`,
  },
  {
    name: "tell again what an app's object has become since",
    file: `${SUPABASE}/replay.ts`,
    from: `said instanceof Uint8Array ? said : jsonText(said)`,
    to: `said instanceof Uint8Array ? said : (said as string)`,
    breaks: "SB43",
    scenario: "",
    by: `${SUPABASE}/replay.test.ts > [SB43] gives what was said`,
  },
];
