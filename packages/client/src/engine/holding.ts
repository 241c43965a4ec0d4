// What does not leave: given up by its author or by the server's word, or held because every connection that carries it
// ends (OB20). Not here: which one ends them (suspects.ts).
import { CallaError, DEV } from "@calla/shared";
import type { CallaRejectionCode, ClientFrame } from "@calla/shared";
import { rejectedBy } from "../base/rejected-error.ts";
import { listedWrite } from "./entry.ts";
import { find, leave, offer, undecided } from "./outbox.ts";
import { settle } from "./outcomes.ts";
import type { Core, Dispatch, Target } from "./records.ts";
import { AT_ONCE } from "./replica.ts";
import { clear, doubt } from "./suspects.ts";
import { due, targetOf } from "./targets.ts";

// --------------------------------------------------------------------------------------------------- by its author

/** Never sent: without a mid it is as if it had never been, with one that goes out as void (OB7). */
export function cancel(core: Core, entry: Dispatch): boolean {
  if (core.closed || entry.outcome || (entry.out && !entry.held)) return false;
  const one = targetOf(core, entry.target);
  if (entry.held) discard(core, entry, "cancelled");
  else {
    entry.outcome = { error: new CallaError("cancelled") };
    giveUp(one, entry);
    if (entry.mid === 0) {
      entry.recorded = true;
      leave(core, one.queue, entry);
    } else {
      entry.messages = [];
      core.ledger?.keep(entry);
      core.decided.push(entry);
    }
    settle(core, one);
  }
  return true;
}

/** Sends a held one once more, alone. */
export function retry(core: Core, entry: Dispatch): boolean {
  if (core.closed || !entry.held || entry.outcome) return false;
  setHeld(core, entry, false);
  // One that is not durable, under the mids of another identity, leaves once it is.
  if (entry.stage !== "new") offer(core, targetOf(core, entry.target).queue, entry);
  doubt(core.suspects, entry, 1);
  return true;
}

// ------------------------------------------------------------------------------------------- by what a connection's end says

/** The way to the server does not take this frame, alone as it was: sent again, it would end every connection (OB13). */
export function tooLarge(core: Core, frame: ClientFrame): void {
  if (frame.type !== "TopicMessage") return;
  const entry = find(targetOf(core, frame.target).queue, frame.mid, frame.id);
  if (entry && !entry.outcome) discard(core, entry, "too-large");
}

/** The server will not have something that was sent, and says so by this code. True: that may be a message. */
export function refused(core: Core, code: CallaRejectionCode): boolean {
  const sent = undecided(core).filter(({ stage, messages }) => stage === "sent" && messages.length > 0);
  const entry = core.suspects.refused(sent);
  if (entry) discard(core, entry, code);
  return sent.length > 0;
}

/** The connection that was open is not any more. `cut`: nobody has said why. */
export function disconnected(core: Core, cut: boolean): void {
  const poison = cut ? core.suspects.ended(undecided(core)) : undefined;
  if (poison) hold(core, poison);
  // What a server said of its rates ends with the connection: the next one says its own.
  for (const queue of core.queues.values()) {
    queue.paused?.();
    queue.paused = undefined;
  }
}

/** Its mid goes out as void. Whoever had taken it before says so, and that is its outcome. */
function discard(core: Core, entry: Dispatch, code: CallaRejectionCode): void {
  const one = targetOf(core, entry.target);
  entry.dropped = givenUp(code);
  entry.messages = [];
  entry.voided = false;
  giveUp(one, entry);
  clear(entry);
  setHeld(core, entry, false);
  if (entry.stage !== "new") offer(core, one.queue, entry);
  settle(core, one);
}

/** It is shown no more, whatever becomes of its mid. */
export function giveUp(one: Target, entry: Dispatch): void {
  entry.goneAt = AT_ONCE;
  if (entry.shown) one.replica.over.add(entry);
}

/** What the author of a message that was given up hears, unless it had been applied. */
export const givenUp = (code: CallaRejectionCode): CallaError<string> =>
  code === "cancelled" ? new CallaError(code) : rejectedBy(code);

// ------------------------------------------------------------------------------------------------------------- held

/** From here on it stays, and what stands behind it, until the app says what becomes of it. */
function hold(core: Core, entry: Dispatch): void {
  // What stands behind it does not leave either, so it is doubted anew when it does.
  targetOf(core, entry.target).queue.entries.forEach(clear);
  entry.stage = "stored";
  setHeld(core, entry, true);
  const { target, id, size } = entry;
  core.report(
    new CallaError(
      "held",
      { target, id, bytes: size },
      DEV &&
        `Every connection ends that carries message ${id} to "${target}", of about ${size} bytes, and others do not: something on the way does not let it through. It is kept and not sent; \`client.status.held\` has its retry() and cancel().`,
    ),
  );
}

function setHeld(core: Core, entry: Dispatch, on: boolean): void {
  entry.held = on;
  if (on) core.held.add(entry);
  else core.held.delete(entry);
  // Without a mid it is stored with the one that it will get.
  if (entry.mid > 0) core.ledger?.keep(entry);
  entry.wake?.();
  due(core);
}

/** What `client.status` lists: the same array until another is held, or one no more. */
export function listHeld(core: Core): Core["heldWrites"] {
  const { heldWrites: listed } = core;
  const now = [...core.held];
  if (now.length === listed.length && now.every(({ id }, i) => listed[i]?.id === id)) return listed;
  return (core.heldWrites = now.map((entry) => ({
    ...listedWrite(entry),
    retry: () => retry(core, entry),
    cancel: () => cancel(core, entry),
  })));
}
