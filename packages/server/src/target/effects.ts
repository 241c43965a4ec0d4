// What a target engine asks for; the commit loop carries it out (commit-loop.ts).
import type { Cursor, Message, PausedCode, Rejection } from "@calla/shared";
import type { Intent } from "../app/intent.ts";
import type { Append, LogRecord } from "../log/log.ts";

export type Effect<Reply> =
  | { readonly type: "load-row"; readonly clientId: string }
  | { readonly type: "append"; readonly append: Append }
  /** Read what comes after the cursor and answer with `missed`. `retry`: the head is in doubt, read until it works. */
  | { readonly type: "read"; readonly after: Cursor; readonly retry: boolean }
  /** The history is another one: open again and answer with `reset`. */
  | { readonly type: "reopen"; readonly reason: string }
  /** The log holds a newer version: this node leaves the target alone. */
  | { readonly type: "newer"; readonly version: number }
  | { readonly type: "update"; readonly after: Cursor; readonly records: readonly LogRecord[] }
  | { readonly type: "snapshot"; readonly reason: string }
  /** A fresh record of this node: tell its author unless it is subscribed, run the hooks. */
  | {
      readonly type: "accepted";
      readonly intent: Intent<Reply>;
      readonly record: LogRecord;
      /** After it; undefined where no hook asks (a batch of thousands would keep as many models alive). */
      readonly model: unknown;
      readonly amended: boolean;
    }
  | {
      readonly type: "applied";
      readonly reply: Reply;
      readonly mid: number;
      readonly id: string;
      readonly sequence: number;
      /** What was taken, where it was amended. */
      readonly messages?: readonly Message[];
    }
  | ({
      readonly type: "rejected";
      readonly reply: Reply;
      readonly mid: number;
      readonly id: string;
    } & Rejection)
  | { readonly type: "pause"; readonly reply: Reply; readonly from: number; readonly code: HeldUpCode }
  | { readonly type: "mid-conflict"; readonly reply: Reply; readonly mid: number; readonly id: string }
  /** Whether it was applied cannot be known: the log lost the answer, and then the record to look for. */
  | { readonly type: "unknown"; readonly reply: Reply }
  | { readonly type: "report"; readonly error: unknown };

/** By the target itself: rates are met before it is asked. */
type HeldUpCode = Exclude<PausedCode, "rate">;

export const pause = <Reply>(intent: Intent<Reply>, code: HeldUpCode): Effect<Reply> => ({
  type: "pause",
  reply: intent.reply,
  from: intent.mid,
  code,
});
