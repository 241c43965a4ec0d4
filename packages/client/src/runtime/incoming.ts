// What each of the server's frames does to the targets. Not here: the frames of the conversation itself (connection.ts).
import { authorTag, CallaError, deepFreeze, messageId, parseMessage, visitorName } from "@calla/shared";
import type {
  Cancel,
  Clock,
  Random,
  Rejection,
  ServerFrame,
  ServerFrames,
  TargetKey,
  Update,
} from "@calla/shared";
import { newEntry } from "../replica/dispatch-entry.ts";
import type { Ledger } from "./ledger.ts";
import { contain } from "../base/notifier.ts";
import type { Outbox } from "../replica/outbox.ts";
import { isFollowed } from "../replica/subscriptions.ts";
import { clear } from "../replica/suspects.ts";
import type { Subscriptions } from "../replica/subscriptions.ts";
import type { Dispatch, Outcome, Target } from "../replica/target.ts";
import type { Targets } from "../replica/targets.ts";
import { RejectedError } from "../base/rejected-error.ts";

/** What `onSnapshot` hears: that a model was replaced and not continued, and why. */
export interface SnapshotTaken {
  readonly target: TargetKey;
  readonly reason: string;
  readonly sequence: number;
}

/** What the other side runs: the protocol's version, and those of slices by name. */
export type Versions = Pick<ServerFrames["Version"], "protocol" | "slices">;

export interface ReceiverOptions {
  readonly targets: Targets;
  readonly ledger: Ledger;
  readonly outbox: Outbox<Dispatch>;
  readonly subscriptions: Subscriptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly strict: boolean;
  readonly report: (error: unknown) => void;
  readonly onSnapshot: ((taken: SnapshotTaken) => void) | undefined;
  readonly onVersionMismatch: ((versions: Versions) => void) | undefined;
  readonly digest: ((model: unknown) => number) | undefined;
  /** Nothing more will be taken on this connection: say `Hello` again. */
  readonly renew: (reason: "mid-conflict") => void;
  readonly later: (milliseconds: number, run: () => void) => Cancel;
  /** Sends whatever may leave. */
  readonly flush: () => void;
}

/** However long a server says to wait: one that errs, or means harm, silences nobody. It may say so again. */
const LONGEST_PAUSE = 60_000;

/** As it was taken. `amended`: none where that is as it was sent. */
const taken = (
  { messages, control, view }: Dispatch,
  sequence: number,
  amended: readonly unknown[] = [],
): Outcome => ({
  sequence,
  // What was given up here had been applied before.
  messages: amended.length > 0 ? amended : messages.length > 0 || !control ? messages : view.messages,
});

/** The server itself. */
const NOBODY = [undefined, null, ""] as const;

export function createIncoming(options: ReceiverOptions): (frame: ServerFrame) => void {
  const { targets, ledger, outbox, subscriptions, clock, random, report } = options;
  const answered = ({ subscription }: Target): boolean => subscription.phase === "answered";
  const ownTag = (key: TargetKey): number | undefined =>
    ledger.identity && authorTag(ledger.identity.clientId, key);

  function acknowledge({ target, mid, id, sequence, messages }: ServerFrames["Acknowledge"]): void {
    const one = targets.get(target);
    const entry = outbox.find(one.queue, mid, id);
    if (!entry) return;
    ledger.decide(one, entry, taken(entry, sequence, messages));
    // Where it is subscribed, confirmed must get there; if it does not, the target is asked for again (CL10). Until then it
    // is as live as before: over HTTP every answer to a POST may come before the stream's record (CL9).
    one.owed = Math.max(one.owed, sequence);
    targets.settle(one);
  }

  function rejected(frame: ServerFrames["Rejected"]): void {
    const { target, mid, id } = frame;
    const one = targets.get(target);
    const entry = outbox.find(one.queue, mid, id);
    if (frame.from === "calla" && frame.code === "mid-conflict") {
      // Another life of this client has used the mid. What is ours moves to a fresh identity (OB8).
      if (entry) one.queue.conflict = Math.min(one.queue.conflict, mid);
      options.renew(frame.code);
    } else if (entry) {
      ledger.decide(one, entry, { error: new RejectedError(frame) });
      targets.settle(one);
    }
  }

  function outcomes(one: Target, frame: ServerFrames["Settled"]): void {
    for (const { entry } of one.replica.pending) {
      const at = entry.outcome && "sequence" in entry.outcome ? entry.outcome.sequence : 0;
      if (at <= frame.sequence) continue;
      // The server looked after we knew of it, and is not that far: its history was cut off (a backup, S37).
      if (entry.decidedUnder < frame.ref) entry.cutOff = frame.sequence;
      // Otherwise its record may be on the way; if not, the target is asked for again (CL10).
      else one.head = Math.max(one.head, at);
    }
    for (const [mid, id, sequence, messages, from, code, details] of frame.outcomes) {
      const entry = outbox.find(one.queue, mid, id);
      if (!entry) continue;
      if (from === null) {
        ledger.decide(one, entry, taken(entry, sequence, messages));
        one.head = Math.max(one.head, sequence);
      } else
        ledger.decide(one, entry, {
          error: new RejectedError({ from, code, details } as Rejection),
        });
    }
  }

  function settled(frame: ServerFrames["Settled"]): void {
    const one = targets.get(frame.target);
    const { subscription } = one;
    const followed = isFollowed(subscription);
    if (frame.ref === 0 && !followed) {
      // The server has subscribed us (CL7).
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
    outbox.again(one.queue, frame.next, subscription.askedAt);
    one.awaited = frame.resync === "snapshot" ? frame : undefined;
    if (one.slice?.kind === "ephemeral")
      one.replica = { confirmed: { model: new Map(), sequence: 0, mark: 0 }, pending: [] };
    // With a snapshot on its way, outcomes wait for it: both are shown as one (CL5).
    if (!one.awaited) outcomes(one, frame);
    targets.settle(one);
  }

  function snapshot({ target, model, sequence, mark }: ServerFrames["Snapshot"]): void {
    const one = targets.get(target);
    const { awaited } = one;
    if (!awaited || !answered(one)) return;
    one.awaited = undefined;
    outcomes(one, awaited);
    targets.show(one, { model: options.strict ? deepFreeze(model) : model, sequence, mark });
    contain(report, options.onSnapshot, { target, reason: awaited.reason, sequence });
    // The server says so by itself, and the answer to a POST may have overtaken it: only an answer to a question of now
    // tells whether what was acknowledged beyond it is cut off (CL3).
    if (awaited.reason === "other-history" && Math.max(one.head, one.owed) > sequence)
      subscriptions.ask(one.subscription);
  }

  function update(key: TargetKey, frame: Update): void {
    const one = targets.get(key);
    const { confirmed } = one.replica;
    if (!confirmed || one.awaited || !answered(one)) return;
    const sequence = frame.after + frame.records.length;
    if (frame.after !== confirmed.sequence || frame.from !== confirmed.mark) {
      // Seen already, unless the same place has another mark: then it is another history (CL3).
      if (sequence < confirmed.sequence || (sequence === confirmed.sequence && frame.mark === confirmed.mark))
        return;
      return subscriptions.ask(one.subscription);
    }
    const tag = ownTag(key);
    const authors = frame.authors.map(
      ([by, userId, rest]) => [by, userId, userId === null ? visitorName(by, rest) : ""] as const,
    );
    const records = frame.records.map(([later, author, mid, id, messages], i) => {
      const [by, userId, visitor] = authors[author] ?? NOBODY;
      const entry = by !== undefined && by === tag ? outbox.find(one.queue, mid, id) : undefined;
      const at = frame.at + later;
      one.at = Math.max(one.at, at);
      if (entry) ledger.decide(one, entry, taken(entry, frame.after + i + 1, messages));
      return { act: { id, messages, at, userId, visitor }, entry };
    });
    if (targets.advance(one, { records, sequence, mark: frame.mark })) {
      const { digest } = frame;
      const ours = digest === undefined ? digest : options.digest?.(one.replica.confirmed?.model);
      if (ours === undefined || ours === digest) return;
      report(new CallaError("diverged", { target: key, sequence, digest, ours }));
      one.diverged = ours;
    }
    // It must not go on from what it has: a place in no history asks for a snapshot (CL3).
    one.replica = { ...one.replica, confirmed: { ...(one.replica.confirmed ?? confirmed), sequence: -1 } };
    subscriptions.ask(one.subscription);
  }

  function paused({ target: key, from, code, retryAfter }: ServerFrames["Paused"]): void {
    const { queue } = targets.get(key);
    // A mid that an earlier page gave out and its storage lost: void, or the server would wait for it for ever (OB9).
    // Any other pause is about one sending of a mid, whose outcome may be known here by another.
    if (
      code === "gap" &&
      from > queue.settled &&
      // A pause that was overtaken by the outcome (HT13).
      from > queue.known &&
      from <= queue.loaded &&
      !queue.entries.some(({ mid }) => mid === from)
    ) {
      const at = queue.entries[0]?.at ?? clock.now();
      const fields = { target: key, id: messageId(random), messages: [], at, ...ledger.author(key) };
      const lost = newEntry(fields);
      const cancelled = { error: new CallaError("cancelled") };
      outbox.load(queue, [{ ...lost, mid: from, stage: "stored", out: true, outcome: cancelled }]);
      queue.entries.sort((a, b) => (a.mid || Infinity) - (b.mid || Infinity));
    }
    // It has arrived, so it ends no connection (OB20).
    queue.entries.forEach(clear);
    outbox.again(queue, from, Infinity);
    queue.paused?.();
    queue.paused = options.later(Math.min(retryAfter, LONGEST_PAUSE), () => {
      queue.paused = undefined;
      options.flush();
    });
  }

  function unsubscribed({
    target,
    ref,
    code,
    retryable,
    retryAfter = 0,
    details,
  }: ServerFrames["Unsubscribed"]): void {
    const one = targets.get(target);
    const { subscription, delays } = one;
    if (!(isFollowed(subscription) || subscription.absent) || ref !== subscription.ref) return;
    // Only the server makes it: it says when it has, or how long to wait where it remembers nobody else (CL18).
    if (retryable && (code === "missing" || code === "created")) {
      subscription.code = "missing";
      subscription.absent = true;
      subscriptions.ask(subscription, Math.min(retryAfter, LONGEST_PAUSE) || undefined);
    } else if (retryable) {
      // A newer node has migrated it: this page's own node and version serve it no more (VE4).
      if (code === "version" && details) contain(report, options.onVersionMismatch, details as Versions);
      subscriptions.ask(subscription, Math.max(delays.next(), Math.min(retryAfter, LONGEST_PAUSE)));
      return targets.touch(one);
    } else subscriptions.stop(subscription, subscription.holders ? code : undefined);
    ledger.drop?.(target);
    targets.show(one, undefined);
    targets.forget(one);
  }

  function push({ target, pushes }: ServerFrames["Push"]): void {
    const one = targets.get(target);
    const { slice } = one;
    const { confirmed } = one.replica;
    if (!slice || !confirmed || !answered(one)) return;
    const own = ownTag(target);
    const latest =
      slice.kind === "ephemeral" && slice.keep === "latest" ? new Map(confirmed.model as []) : undefined;
    for (const [from, userId, values] of pushes) {
      // One's own comes back to everybody and is no news here.
      if (from === own) continue;
      latest?.delete(from);
      for (const value of values) {
        const parsed = parseMessage(slice, value, "server");
        if (!parsed.ok) {
          report(new CallaError("invalid", { code: parsed.code, ...parsed.details }));
          continue;
        }
        const { message } = parsed;
        if (from !== null) latest?.set(from, { message, userId });
        one.pushes.emit({ message, from, userId });
      }
    }
    if (!latest) return;
    one.replica = { confirmed: { ...confirmed, model: latest }, pending: [] };
    targets.touch(one);
  }

  return (frame) => {
    switch (frame.type) {
      case "TopicUpdate":
        return update(frame.target, frame);
      case "Acknowledge":
        return acknowledge(frame);
      case "Rejected":
        return rejected(frame);
      case "Paused":
        return paused(frame);
      case "Settled":
        return settled(frame);
      case "Snapshot":
        return snapshot(frame);
      case "Unsubscribed":
        return unsubscribed(frame);
      case "Push":
        return push(frame);
      case "Connected":
      case "Version":
      case "Closing":
      case "Expiring":
      case "Pong":
        return; // connection.ts has heard them
      default:
        frame satisfies never;
    }
  };
}
