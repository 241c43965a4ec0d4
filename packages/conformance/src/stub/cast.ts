// The conversations that a stub plays, and how it answers the beginning of a connection.
import { readRecordings } from "../recording/read-recordings.ts";
import type { Hearing, Scenario } from "../recording/recording.ts";
import type { Opening } from "./line.ts";
import { fits } from "./opening.ts";
import { scriptOf, type Script } from "./script.ts";

/** What was asked for is no recorded conversation. */
export class UnknownConversation extends Error {
  override readonly name = "UnknownConversation";
}

/** `only`: names of conversations; none means all. */
export function castOf(scenarios: readonly Scenario[] | undefined, only: readonly string[] = []): Script[] {
  const all = scenarios ?? recorded();
  for (const name of only) {
    if (all.some(({ scenario }) => scenario === name)) continue;
    throw new UnknownConversation(
      `No conversation is recorded as ${name}. The stub lists them at /conversations.`,
    );
  }
  return all.filter(({ scenario }) => only.length === 0 || only.includes(scenario)).map(scriptFor);
}

/** Read once, however many stubs there are. */
let read: readonly Scenario[] | undefined;
const recorded = (): readonly Scenario[] => {
  read ??= readRecordings().flatMap((suite) => suite.scenarios);
  return read;
};

const scripts = new WeakMap<Scenario, Script>();
function scriptFor(scenario: Scenario): Script {
  const script = scripts.get(scenario) ?? scriptOf(scenario);
  scripts.set(scenario, script);
  return script;
}

/** What a handshake, or a session's first poll, is answered; undefined where nobody recorded one like it. */
export function answerTo(
  opening: Opening,
  scripts: readonly Script[],
): Extract<Hearing, { hear: "upgraded" | "answer" }> | undefined {
  let best: { near: number; answer: Extract<Hearing, { hear: "upgraded" | "answer" }> } | undefined;
  for (const script of scripts) {
    if (!script.over.includes(opening.over)) continue;
    for (const [index, act] of script.acts.entries()) {
      if (act.act !== "open") continue;
      const near = fits(act, opening);
      if (near === undefined) continue;
      const next = script.acts.find((other, i) => i > index && other.who === act.who);
      if (next?.act !== "hear") continue;
      const { hearing } = next;
      if (hearing.hear !== "upgraded" && hearing.hear !== "answer") continue;
      // Of two that are as near, the one that speaks of more of what was asked.
      const score = near * 100 - Object.keys(act.deed.headers ?? {}).length;
      if (best === undefined || score < best.near) best = { near: score, answer: hearing };
    }
  }
  return best?.answer;
}
