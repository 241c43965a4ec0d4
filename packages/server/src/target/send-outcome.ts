// Sends the outcome of a dispatch to its author: a frame to a client, or the end of a call of the server's own.
import { CallaError, rejectionText } from "@calla/shared";
import type { Rejection } from "@calla/shared";
import { Conversation } from "../connection/conversation.ts";
import type { Effect } from "./effects.ts";
import type { LiveTarget, Reply } from "./live-target.ts";

/** Milliseconds a paused client is asked to wait, by what held it up. */
const RETRY_AFTER = {
  gap: 0,
  busy: 200,
  storage: 1_000,
  "in-flight": 0,
  draining: 1_000,
  version: 5_000,
} as const;

type Told = Extract<Effect<Reply>, { reply: Reply }>;

/** An outcome to whoever waits for it. */
export function sendOutcome(reply: Reply, live: LiveTarget, outcome: Told): void {
  const target = live.wire;
  if (!(reply instanceof Conversation)) return tellCall(reply, outcome);
  switch (outcome.type) {
    case "applied": {
      const { mid, id, sequence, messages } = outcome;
      const amended = messages === undefined ? {} : { messages };
      return reply.send({ type: "Acknowledge", target, mid, id, sequence, ...amended });
    }
    case "rejected": {
      const { mid, id, from, code, details } = outcome;
      const rejection = { from, code, details } as Rejection;
      return reply.send({ type: "Rejected", target, mid, id, ...rejection });
    }
    case "unknown":
      return; // a client's dispatch has a row that knows
    case "pause":
      return reply.send({
        type: "Paused",
        target,
        from: outcome.from,
        code: outcome.code,
        retryAfter: RETRY_AFTER[outcome.code],
      });
    case "mid-conflict":
      reply.refuseFurther(live.key);
      return reply.send({
        type: "Rejected",
        target,
        mid: outcome.mid,
        id: outcome.id,
        from: "calla",
        code: "mid-conflict",
        details: {},
      });
    default:
      outcome satisfies never;
  }
}

function tellCall(call: Exclude<Reply, Conversation>, outcome: Told): void {
  switch (outcome.type) {
    case "applied":
      return call.settle(outcome.sequence);
    case "rejected":
      return call.fail(
        new CallaError(
          "rejected",
          { from: outcome.from, code: outcome.code, details: outcome.details },
          rejectionText(outcome.from, outcome.code, outcome.details),
        ),
      );
    case "unknown":
      return call.fail(
        new CallaError(
          "storage",
          { code: "unknown" },
          "Whether the dispatch was applied cannot be known; with a key it can be dispatched again.",
        ),
      );
    case "pause":
      return call.fail(
        outcome.code === "draining"
          ? new CallaError(
              "closed",
              {},
              "The server has been stopped; what became of the dispatch is in the log.",
            )
          : outcome.code === "version"
            ? new CallaError("version", {}, "The target is of another version; another node has its updates.")
            : new CallaError("storage", { code: outcome.code }, "The target takes nothing now; try again."),
      );
    case "mid-conflict":
      return call.fail(
        new CallaError("protocol", { code: "mid-conflict" }, "This key was used for another dispatch."),
      );
    default:
      outcome satisfies never;
  }
}
