// What clients of supabase must not gain by the moment at which something comes, or by a flag that nearly says something; and
// what an app gives presence that no other node would read.

const SUPABASE = "server/src/supabase";
const CHANNEL = `${SUPABASE}/realtime-channel.ts`;
const PRESENCE = "server/src/presence";
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
    from: `isBytes(said) ? said : jsonText(said)`,
    to: `isBytes(said) ? said : (said as string)`,
    breaks: "SB43",
    scenario: "",
    by: `${SUPABASE}/replay.test.ts > [SB43] gives what was said`,
  },
  {
    name: "tell other nodes of an attempt that they do not read",
    file: `${PRESENCE}/tracker.ts`,
    from: `Number.isSafeInteger(attempt) && attempt >= 0`,
    to: `typeof attempt === "number"`,
    breaks: "PN37",
    scenario: "",
    by: `${PRESENCE}/tracker.test.ts > [PN37] an attempt of 1.5`,
  },
  {
    name: "take in nobody at the limit though as many go",
    file: `${PRESENCE}/tracker.ts`,
    from: `part.entries.length > room && state.growthBy(part) > Math.max(0, room)`,
    to: `part.entries.length > room`,
    breaks: "PN37",
    scenario: "",
    by: `${PRESENCE}/tracker.test.ts > [PN37] at the limit, who comes in place`,
  },
  {
    name: "end the process where an app's spread throws",
    file: `${PRESENCE}/tracker.ts`,
    from: `      if (!this.#spreadThrew) report(error);`,
    to: `      throw error;`,
    breaks: "PN25",
    scenario: "",
    by: `${PRESENCE}/tracker.test.ts > [PN25] a spread that throws`,
  },
];
