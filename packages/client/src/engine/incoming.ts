// What each of the server's frames does to the targets. Not here: the frames of the conversation itself (connection.ts).
import { authorTag, CallaError, deepFreeze, parseMessage, visitorName } from "@calla/shared";
import type { Heard, Message, Rejection, ServerFrame, ServerFrames, TargetKey } from "@calla/shared";
import { contain } from "../base/notifier.ts";
import { RejectedError } from "../base/rejected-error.ts";
import { later } from "./life.ts";
import { again, decide, find } from "./outbox.ts";
import { conclude, settle, show } from "./outcomes.ts";
import type { Core, Target, Versions } from "./records.ts";
import { isSubscribed } from "./state.ts";
import { ask, refuse } from "./subscriptions.ts";
import { clear } from "./suspects.ts";
import { due, forget, targetOf, touch } from "./targets.ts";

/** However long a server says to wait: one that errs, or means harm, silences nobody. It may say so again. */
const LONGEST_PAUSE = 60_000;

/** The server itself. */
const NOBODY = [undefined, null, ""] as const;

const answered = ({ subscription }: Target): boolean => subscription.phase === "answered";
const ownTag = ({ identity }: Core, key: TargetKey): number | undefined =>
  identity && authorTag(identity.clientId, key);

function acknowledge(core: Core, { target, mid, id, sequence, messages }: ServerFrames["Acknowledge"]): void {
  const one = targetOf(core, target);
  if (!decide(core, one, mid, id, { sequence, messages })) return;
  // Where it is subscribed, confirmed must get there; if it does not, the target is asked for again (CL10). Until then it
  // is as live as before: over HTTP every answer to a POST may come before the stream's record (CL9).
  one.owed = Math.max(one.owed, sequence);
  settle(core, one);
}

function rejected(core: Core, frame: ServerFrames["Rejected"]): void {
  const { target, mid, id } = frame;
  const one = targetOf(core, target);
  if (frame.from === "calla" && frame.code === "mid-conflict") {
    // Another life of this client has used the mid. What is ours moves to a fresh identity (OB8).
    if (find(one.queue, mid, id)) {
      one.queue.conflict = Math.min(one.queue.conflict, mid);
      core.conflicted = true;
    }
    core.line.renew(frame.code);
  } else if (decide(core, one, mid, id, { error: new RejectedError(frame) })) settle(core, one);
}

function outcomes(core: Core, one: Target, frame: ServerFrames["Settled"]): void {
  for (const entry of one.replica.over) {
    if (entry.goneAt <= frame.sequence) continue;
    // The server looked after we knew of it, and is not that far: its history was cut off (a backup, S37).
    if (entry.decidedUnder < frame.ref) entry.goneAt = frame.sequence;
    // Otherwise its record may be on the way; if not, the target is asked for again (CL10).
    else one.head = Math.max(one.head, entry.goneAt);
  }
  for (const [mid, id, sequence, messages, from, code, details] of frame.outcomes) {
    if (from !== null)
      decide(core, one, mid, id, { error: new RejectedError({ from, code, details } as Rejection) });
    else if (decide(core, one, mid, id, { sequence, messages })) one.head = Math.max(one.head, sequence);
  }
}

function settled(core: Core, frame: ServerFrames["Settled"]): void {
  const one = targetOf(core, frame.target);
  const { subscription } = one;
  const followed = isSubscribed(subscription);
  if (frame.ref === 0 && !followed) {
    // The server made us follow it (CL7).
    subscription.pinned = true;
    subscription.ref = 0;
  } else if (!followed || frame.ref !== subscription.ref) return;
  subscription.phase = "answered";
  subscription.code = "";
  subscription.absent = false;
  one.delays.reset();
  one.diverged = undefined;
  one.head = frame.sequence;
  one.owed = 0;
  again(core, one.queue, frame.next, subscription.askedAt);
  one.awaited = frame.resync === "snapshot" ? frame : undefined;
  if (one.slice?.kind === "ephemeral") show(core, one, { model: new Map(), sequence: 0, mark: 0 });
  // With a snapshot on its way, outcomes wait for it: both are shown as one (CL5).
  if (!one.awaited) outcomes(core, one, frame);
  settle(core, one);
}

function snapshot(core: Core, { target, model, sequence, mark }: ServerFrames["Snapshot"]): void {
  const one = targetOf(core, target);
  const { awaited } = one;
  if (!awaited || !answered(one)) return;
  one.awaited = undefined;
  outcomes(core, one, awaited);
  show(core, one, { model: core.strict ? deepFreeze(model) : model, sequence, mark });
  contain(core.report, core.onSnapshot, { target, reason: awaited.reason, sequence });
  // The server says so by itself, and the answer to a POST may have overtaken it: only an answer to a question of now
  // tells whether what was acknowledged beyond it is cut off (CL3).
  if (awaited.reason === "other-history" && Math.max(one.head, one.owed) > sequence) ask(core, one);
}

function update(core: Core, frame: ServerFrames["TopicUpdate"]): void {
  const key = frame.target;
  const one = core.targets.get(key);
  // Of a topic that nobody uses any more: it has been given up.
  if (!one) return;
  const { confirmed } = one.replica;
  if (!confirmed || one.awaited || !answered(one)) return;
  const sequence = frame.after + frame.records.length;
  if (frame.after !== confirmed.sequence || frame.from !== confirmed.mark) {
    // Seen already, unless the same place has another mark: then it is another history (CL3).
    if (sequence < confirmed.sequence || (sequence === confirmed.sequence && frame.mark === confirmed.mark))
      return;
    return ask(core, one);
  }
  const tag = ownTag(core, key);
  const authors = frame.authors.map(
    ([by, userId, rest]) => [by, userId, userId === null ? visitorName(by, rest) : ""] as const,
  );
  const records = frame.records.map(([later, author, mid, id, messages], i) => {
    const [by, userId, visitor] = authors[author] ?? NOBODY;
    const own = by !== undefined && by === tag;
    const at = frame.at + later;
    one.at = Math.max(one.at, at);
    if (own) decide(core, one, mid, id, { sequence: frame.after + i + 1, messages });
    return { act: { id, messages, at, userId, visitor }, own };
  });
  const advanced = one.replica.advance({ records, sequence, mark: frame.mark });
  if (advanced.ok) {
    touch(core, one);
    for (const entry of advanced.left) if (entry.recorded) conclude(core, entry);
    const { digest } = frame;
    let ours: number | undefined;
    const look = (model: unknown): void => void (ours = core.digest?.(model));
    // It is the app's: where it throws, the frame is none the worse for it.
    if (digest !== undefined) contain(core.report, look, one.replica.confirmed?.model);
    if (ours === undefined || ours === digest) return;
    core.report(new CallaError("diverged", { target: key, sequence, digest, ours }));
    one.diverged = ours;
  } else
    core.report(advanced.kind === "threw" ? advanced.error : new RejectedError({ from: "app", ...advanced }));
  // This replica folds otherwise than the server. It must not go on from what it has: a place in no history asks for a
  // snapshot (CL3).
  one.replica.distrust();
  ask(core, one);
}

function paused(core: Core, { target: key, from, code, retryAfter }: ServerFrames["Paused"]): void {
  const one = targetOf(core, key);
  const { queue } = one;
  if (code === "gap") core.ledger?.gap(one, from);
  // It has arrived, so it ends no connection (OB20).
  queue.entries.forEach(clear);
  again(core, queue, from, Infinity);
  queue.paused?.();
  queue.paused = later(core, Math.min(retryAfter, LONGEST_PAUSE), () => {
    queue.paused = undefined;
    core.unsent.add(queue);
    due(core);
  });
}

function unsubscribed(
  core: Core,
  { target, ref, code, retryable, retryAfter = 0, details }: ServerFrames["Unsubscribed"],
): void {
  const one = targetOf(core, target);
  const { subscription, delays } = one;
  if (!(isSubscribed(subscription) || subscription.absent) || ref !== subscription.ref) return;
  // Only the server makes it: it says when it has, or how long to wait where it remembers nobody else (CL18).
  if (retryable && (code === "missing" || code === "created")) {
    subscription.code = "missing";
    subscription.absent = true;
    ask(core, one, Math.min(retryAfter, LONGEST_PAUSE) || undefined);
  } else if (retryable) {
    // A newer node has migrated it: this page's own node and version serve it no more (VE4).
    if (code === "version" && details) contain(core.report, core.onVersionMismatch, details as Versions);
    ask(core, one, Math.max(delays.next(), Math.min(retryAfter, LONGEST_PAUSE)));
    return touch(core, one);
  } else refuse(core, one, code);
  core.ledger?.drop(target);
  show(core, one, undefined);
  forget(core, one);
}

function push(core: Core, { target, pushes }: ServerFrames["Push"]): void {
  const one = targetOf(core, target);
  const { slice } = one;
  const { confirmed } = one.replica;
  if (!slice || !confirmed || !answered(one)) return;
  const own = ownTag(core, target);
  const all: Heard[] = [];
  for (const [from, userId, values] of pushes) {
    // One's own comes back to everybody and is no news here.
    if (from === own) continue;
    const messages: Message[] = [];
    all.push({ from, userId, messages });
    for (const value of values) {
      const parsed = parseMessage(slice, value, "server");
      if (parsed.ok) {
        const { message } = parsed;
        messages.push(message);
        one.pushes.emit({ message, from, userId });
      } else core.report(new CallaError("invalid", { code: parsed.code, ...parsed.details }));
    }
  }
  if (slice.kind !== "ephemeral") return;
  const model = slice["~page"].heard(confirmed.model, all);
  if (model !== confirmed.model) show(core, one, { ...confirmed, model });
}

type Taken =
  | "TopicUpdate"
  | "Acknowledge"
  | "Rejected"
  | "Paused"
  | "Settled"
  | "Snapshot"
  | "Unsubscribed"
  | "Push";
const TAKE: { readonly [T in Taken]: (core: Core, frame: ServerFrames[T]) => void } = {
  TopicUpdate: update,
  Acknowledge: acknowledge,
  Rejected: rejected,
  Paused: paused,
  Settled: settled,
  Snapshot: snapshot,
  Unsubscribed: unsubscribed,
  Push: push,
};

export function receive(core: Core, frame: ServerFrame): void {
  // A poll's next answer begins with `Connected`. What waited for a sign of life may leave.
  if ((frame.type === "Pong" || frame.type === "Connected") && core.suspects.answered()) due(core);
  // Nothing of it is in use any more, so it is not made anew. What the server makes us follow (CL7) is.
  if (
    "target" in frame &&
    !core.targets.has(frame.target) &&
    !core.queues.get(frame.target)?.entries.length &&
    !(frame.type === "Settled" && frame.ref === 0)
  )
    return;
  // Of the others connection.ts has heard.
  (TAKE as { readonly [type: string]: ((core: Core, frame: never) => void) | undefined })[frame.type]?.(
    core,
    frame as never,
  );
  if ("target" in frame) core.targets.get(frame.target)?.presence?.hear(frame);
}
