// A dispatch on its way to a decision, and how the app's part of the decision answers.
import type { Message, Rejection } from "@calla/shared";
import type { Author } from "../log/log.ts";

/** A dispatch on its way to a decision. `Reply` is whoever hears the outcome; the engine only hands it back. */
export interface Intent<Reply> {
  readonly author: Author | null;
  /** The client row that deduplicates it: the clientId, `#key`, or "" for none. */
  readonly row: string;
  readonly mid: number;
  readonly id: string;
  readonly settled: number;
  /** None: a mid that its client gave up. */
  readonly messages: readonly Message[];
  /** Why its author may not reach the target. Known mids have their outcome all the same; a new one is refused. */
  readonly denied?: DeniedCode | undefined;
  /** It does not bring a removed target back. */
  readonly unlessRemoved?: boolean;
  readonly reply: Reply;
}

/** The app's part of the decision: parse, authorise, amend, parse again (TE2). Never throws. */
export type Admit<Reply> = (
  intent: Intent<Reply>,
  model: unknown,
) =>
  | { readonly ok: true; readonly messages: readonly Message[]; readonly amended: boolean }
  | ({ readonly ok: false } & Rejection);

/** Why a client may not reach a target at all. */
export type DeniedCode = "forbidden" | "unhandled" | "topic";
/** Whether it may. `busy`: it could not be asked. `withdrawn`: nobody needs to know any more. */
export type Admitted = true | DeniedCode | "hook" | "busy" | "withdrawn";
