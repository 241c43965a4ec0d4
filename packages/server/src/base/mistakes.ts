// Mistakes in connecting that the first hour of a project makes: in development the server prints each once, because a
// page cannot see why its WebSocket was refused. In production they are only recorded.
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { brief } from "./brief.ts";
import type { Report } from "./contain.ts";

/** What is known of somebody who was turned away. */
export interface TurnedAway {
  readonly code: string;
  readonly origin?: string | undefined;
  readonly target?: TargetKey | undefined;
  /** The refusal says itself what is to be done. */
  readonly why?: string | undefined;
}

/** Of so many mistakes it is remembered that they were reported. */
const MOST_TOLD = 100;

/** Gives what reports each once (SV11). `named`: which slice a target is of. */
export function mistakeTeller(
  development: boolean,
  report: Report,
  named: (target: TargetKey) => string | undefined,
): (turnedAway: TurnedAway) => void {
  const told = new Set<string>();
  return (turnedAway) => {
    if (!development || told.size >= MOST_TOLD) return;
    const sentence = sentenceOf(turnedAway, named);
    if (sentence === undefined || told.has(sentence)) return;
    told.add(sentence);
    const { code } = turnedAway;
    report(new CallaError(code === "unhandled" ? code : "transport", { reason: code }, sentence));
  };
}

/** What is to be done about a page's origin. `call`: how the call begins that takes the option. */
export function originSentence(origin: string | readonly string[] | undefined, call: string): string {
  if (origin === "null")
    return 'Pages of the origin "null" (a file, a sandboxed frame) may not connect. If it is your app\'s, let a web server bring it, and name its origin.';
  const shown = JSON.stringify(brief(typeof origin === "string" ? origin : (origin?.join(", ") ?? "")));
  return `Pages of the origin ${shown} may not connect. If it is your app's, write ${call} origins: [${shown}] }).`;
}

function sentenceOf(
  { code, origin, target, why }: TurnedAway,
  named: (target: TargetKey) => string | undefined,
): string | undefined {
  if (why !== undefined) return why;
  if (code === "origin") return originSentence(origin, "createServer({");
  if (code !== "unhandled" || target === undefined) return undefined;
  const slice = named(target);
  return slice === undefined
    ? undefined
    : `Clients are refused at slice "${slice}" (unhandled), for it has no handler. Call server.handle(slice, { public: true }), or with canSubscribe and canDispatch.`;
}
