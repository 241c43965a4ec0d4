// The way out: what is dispatched, and what of it may leave. Not here: what becomes of it (incoming.ts), bytes
// (connection.ts).
import { CallaError, messageId } from "@calla/shared";
import type { CallaRejectionCode, ClientFrame, Slice, TargetKey } from "@calla/shared";
import { roughSize } from "../base/size.ts";
import { accept, newDispatch } from "./dispatch.ts";
import { checkFits } from "./fits.ts";
import { authorOf } from "./identity.ts";
import { add, discard, find, hold, leave, queueOf, retry, sendable, undecided } from "./outbox.ts";
import type { Core, Dispatch } from "./records.ts";
import { predict, settle } from "./replica.ts";
import { isDoubted } from "./suspects.ts";
import { targetOf } from "./targets.ts";
import { WriteHandle } from "./write.ts";

/** Shown at once; it leaves when it is durable. Throws before anything has happened. */
export function dispatch(core: Core, key: TargetKey, input: unknown): WriteHandle {
  const one = targetOf(core, key);
  const messages = check(core, one.slice, input);
  const at = Math.max(one.at, core.clock.now() + core.offset);
  const entry = newDispatch(key, messageId(core.random), at, authorOf(core, key), messages);
  checkFits(core.serialiser, core.taken, entry);
  add(core, entry);
  one.at = at;
  const write = new WriteHandle(
    entry,
    () => cancel(core, entry),
    () => retry(core, entry),
  );
  entry.write = write;
  predict(core, one, entry);
  return write;
}

function check({ closed, serialiser, strict }: Core, slice: Slice | undefined, input: unknown) {
  if (closed) throw new CallaError("closed");
  if (!slice) throw new CallaError("topic");
  return accept(slice, input, serialiser, strict);
}

/** Never sent: without a mid it is as if it had never been, with one that goes out as void (OB7). */
export function cancel(core: Core, entry: Dispatch): boolean {
  if (core.closed || entry.outcome || (entry.out && !entry.held)) return false;
  const one = targetOf(core, entry.target);
  if (entry.held) discard(core, entry, "cancelled");
  else {
    entry.outcome = { error: new CallaError("cancelled") };
    if (entry.mid === 0) {
      entry.recorded = true;
      leave(core, one.queue, entry);
    } else {
      entry.messages = [];
      core.ledger?.keep(entry);
      core.decided.push(entry);
    }
  }
  settle(core, one);
  return true;
}

/** To an ephemeral topic: sent with this turn or never. */
export function tell(core: Core, key: TargetKey, input: unknown): void {
  const one = targetOf(core, key);
  const messages = check(core, one.slice, input);
  checkFits(core.serialiser, core.taken, { target: key, id: "", messages, size: roughSize(messages) });
  const latest = one.slice?.kind === "ephemeral" && one.slice.keep === "latest";
  one.outgoing = latest ? messages.slice(-1) : [...one.outgoing, ...messages];
  core.telling.add(one);
  core.due();
}

/** Sends whatever may leave. */
export function flush(core: Core): void {
  const { line, suspects } = core;
  const telling = [...core.telling];
  core.telling.clear();
  for (const one of telling) {
    line.send(one.outgoing.map((message) => topicMessage(one.key, 0, messageId(core.random), 0, [message])));
    one.outgoing = [];
  }
  if (!core.open) return;
  if (movable(core)) return line.renew("mid-conflict");
  if (suspects.alone) return;
  const now = core.clock.monotonic();
  const frames: ClientFrame[] = [];
  const doubted: Dispatch[] = [];
  const say = ({ target, mid, id }: Dispatch, messages: readonly unknown[]): void => {
    frames.push(topicMessage(target, mid, id, queueOf(core, target).settled, messages));
  };
  const send = (entry: Dispatch): void => {
    entry.stage = "sent";
    entry.out = true;
    entry.sentAt = now;
    say(entry, entry.messages);
  };
  for (const queue of core.queues.values()) {
    // What stands behind a doubted one waits for it, also when that has left.
    let behind = suspects.waitsFor(queue.target);
    for (const entry of sendable(queue, core.maxInFlight)) {
      if (isDoubted(entry)) doubted.push(entry);
      else if (behind) break;
      else send(entry);
      behind ||= isDoubted(entry);
    }
  }
  suspects.next(doubted).forEach(send);
  if (core.held.size > 0 && conflicted(core))
    for (const entry of core.held) {
      if (!entry.out || now - entry.sentAt < core.answerTimeout) continue;
      // It may have arrived, and this identity is to be left: its mid is made void, unless it was applied (OB33).
      entry.sentAt = now;
      say(entry, []);
    }
  if (frames.length > 0) line.send(frames);
}

/** This identity has used a mid twice, and is to be left behind. */
const conflicted = ({ queues }: Core): boolean =>
  [...queues.values()].some(({ conflict }) => conflict < Infinity);

/** A conflict is known, and nothing else of this identity is undecided: it can be left behind (OB8). */
export const movable = (core: Core): boolean =>
  conflicted(core) &&
  [...core.queues.values()].every(({ entries, conflict }) =>
    entries.every(({ out, mid }) => !out || mid >= conflict),
  );

// ------------------------------------------------------------------------------------------ what a connection's end says

/** The way to the server does not take this frame, alone as it was: sent again, it would end every connection (OB13). */
export function tooLarge(core: Core, frame: ClientFrame): void {
  if (frame.type !== "TopicMessage") return;
  const entry = find(queueOf(core, frame.target), frame.mid, frame.id);
  if (entry && !entry.outcome) drop(core, entry, "too-large");
}

/** The server will not have something that was sent, and says so by this code. True: that may be a message. */
export function refused(core: Core, code: CallaRejectionCode): boolean {
  const sent = undecided(core).filter(({ stage, messages }) => stage === "sent" && messages.length > 0);
  const entry = core.suspects.refused(sent);
  if (entry) drop(core, entry, code);
  return sent.length > 0;
}

function drop(core: Core, entry: Dispatch, code: CallaRejectionCode): void {
  discard(core, entry, code);
  settle(core, targetOf(core, entry.target));
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

const topicMessage = (
  target: TargetKey,
  mid: number,
  id: string,
  settled: number,
  messages: readonly unknown[],
): ClientFrame => ({ type: "TopicMessage", target, mid, id, settled, messages });
