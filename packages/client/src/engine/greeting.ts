// How a connection begins: what `Hello` says, and what `Connected` answers: who we are, and what becomes of the outbox if
// that is somebody else. Not here: when to say it (connection.ts).
import { CallaError, DEV, PROTOCOL_VERSION } from "@calla/shared";
import type { ClientFrame, ClientFrames, ServerFrames, Subscription as Asked } from "@calla/shared";
import { rejectedBy } from "../base/rejected-error.ts";
import { tellStored } from "./entry.ts";
import { takenOf } from "./fits.ts";
import { giveUp } from "./holding.ts";
import { renamed, renewIdentity } from "./identity.ts";
import { again, leave, movable, undecided } from "./outbox.ts";
import { settle, show } from "./outcomes.ts";
import type { Core, Queue, Target } from "./records.ts";
import { hasCaughtUp, isLive, isSubscribed } from "./state.ts";
import { ask, asked, renew } from "./subscriptions.ts";
import { due, targetOf, touch } from "./targets.ts";

export function hello(core: Core, token: unknown): ClientFrames["Hello"] {
  const { open } = core;
  // A poll asks for nothing that was told to wait (CL7).
  let named = [...core.targets.values()].filter(
    ({ subscription }) =>
      (isSubscribed(subscription) || subscription.absent) && !(open && subscription.retrying),
  );
  // Polls that have no room for all ask for what is left first, and for what is live already in the next round.
  const left = ({ subscription: { phase, ref } }: Target): boolean =>
    phase === "asked" && core.unsaid.has(ref);
  if (open && named.some(left))
    named = named
      .filter((one) => left(one) || !hasCaughtUp(one))
      .toSorted((a, b) => Number(left(b)) - Number(left(a)));
  core.unsaid = new Set();
  core.greeted = new Map();
  for (const one of named) {
    const polling = open && isLive(one);
    renew(core, one);
    one.subscription.polling = polling;
    core.greeted.set(one.subscription.ref, one.key);
  }
  const targets = named.map((one) => asked(core, one));
  core.placed = new Set(named.filter((_, i) => targets[i]?.cursor));
  const { identity } = core;
  return {
    type: "Hello",
    protocol: PROTOCOL_VERSION,
    ...(identity && !movable(core)
      ? { identity: { clientId: identity.clientId, secret: identity.secret } }
      : {}),
    ...(token === undefined ? {} : { token }),
    slices: core.wiring.versions(),
    targets,
    attempt: [core.page, ++core.hellos],
    ...(core.flushOnly ? { flushOnly: true } : {}),
  };
}

/** The Hello that was just said had no room for these. */
export function unsaid(core: Core, targets: readonly Asked[]): void {
  core.unsaid = new Set(targets.map(({ ref }) => ref));
  for (const ref of core.unsaid) core.greeted.delete(ref);
  // Where this was no first Hello, nothing else would say them, and a poll hears that there is more to ask for.
  core.line.send(targets.map((asking) => ({ type: "Subscribe", ...asking })));
}

export function connected(core: Core, frame: ServerFrames["Connected"]): void {
  core.suspects.begin();
  core.offset = frame.now - core.clock.now();
  core.maxInFlight = frame.maxInFlight;
  core.taken = takenOf(frame.limits);
  identified(core, frame);
  for (const one of core.targets.values()) touch(core, one);
  catchUp(core);
  due(core);
}

/** What came to be wanted, or unwanted, after `Hello` was written and before anything else could be said (CL37). */
function catchUp(core: Core): void {
  const frames: ClientFrame[] = [];
  for (const one of core.targets.values()) {
    const { subscription } = one;
    if (!isSubscribed(subscription)) continue;
    if (!core.greeted.delete(subscription.ref)) frames.push({ type: "Subscribe", ...asked(core, one) });
    // Its model turned out to be another user's, or of no use: without a cursor, then.
    else if (core.placed.has(one) && !one.replica.confirmed) ask(core, one);
  }
  for (const [ref, target] of core.greeted) frames.push({ type: "Unsubscribe", target, ref });
  core.greeted.clear();
  core.line.send(frames);
}

/** The server has named client and user. */
function identified(core: Core, { clientId, secret, userId }: ServerFrames["Connected"]): void {
  const { ledger, identity: former } = core;
  const fresh = clientId !== former?.clientId;
  // Another user's stays where it is, unseen and unsent (S41).
  const unseen = ledger?.arrived(userId) ?? false;
  const stranger = core.named && userId !== core.userId;
  core.named = true;
  // Numbered anew: what is stored under the old mids, even without an identity, must not come back by a reload.
  const numbered = [...core.queues.values()].some(({ last }) => last > 0);
  if (unseen || stranger || (fresh && (former || numbered))) ledger?.begin(userId, unseen || stranger);
  core.userId = userId;
  if (secret !== undefined) {
    const behind = fresh ? [] : undecided(core).filter(({ out }) => out);
    core.renewal = { identity: { clientId, secret, userId }, behind: new Set(behind) };
  }
  ledger?.met();
  renewIdentity(core);
  renamed(core);
  if (fresh) ledger?.renumbered();
  if (fresh) core.conflicted = false;
  for (const queue of core.queues.values()) {
    again(core, queue, 0, Infinity);
    core.unsent.add(queue);
    if (fresh) move(core, queue, stranger);
    rename(core, queue);
  }
  if (!stranger) return;
  for (const one of core.targets.values()) show(core, one, undefined);
}

/**
 * To a fresh identity: what was never sent is numbered anew, what may have been sent can never be known (CL1). To
 * another user's (`stays`) nothing goes: what has a mid may be in the former's storage, and waits there (CL8).
 */
function move(core: Core, queue: Queue, stays: boolean): void {
  const { conflict } = queue;
  // A held one whose mid is void may stand before what was sent (OB33): all leave by their mids before any gets another.
  const leaving = queue.entries.filter(({ out, mid }) => stays || (out && mid < conflict));
  for (const entry of leaving) {
    const error = stays
      ? new CallaError(
          "closed",
          {},
          DEV && "Another user is signed in. What was queued waits for its author.",
        )
      : rejectedBy("client-expired");
    if (!entry.mid) tellStored(entry, error);
    leave(core, queue, entry);
    entry.outcome ??= { error };
    giveUp(targetOf(core, queue.target), entry);
    core.decided.push(entry);
  }
  for (const entry of queue.entries) {
    entry.mid = 0;
    entry.stage = "new";
    entry.out = entry.voided = false;
  }
  queue.last = queue.settled = queue.loaded = queue.known = queue.said = 0;
  queue.conflict = Infinity;
  core.unsaved.add(queue);
  // Of what nobody uses nothing is made anew.
  const one = core.targets.get(queue.target);
  if (one) settle(core, one);
}

/** What is undecided will be recorded under this name, and ids are made of it (WR16). */
function rename(core: Core, queue: Queue): void {
  if (queue.entries.length === 0) return;
  const one = targetOf(core, queue.target);
  const { userId, visitor } = one.author;
  let changed = false;
  for (const entry of queue.entries) {
    if (entry.outcome || (entry.userId === userId && entry.visitor === visitor)) continue;
    entry.userId = userId;
    entry.visitor = visitor;
    changed = true;
  }
  if (!changed) return;
  one.replica.repeat();
  touch(core, one);
}

/** The question whether the server is there, with all cursors (CL6), and all that presence has been told and has said (PC17). */
export const ping = (core: Core): ClientFrame => {
  const presence = [...core.targets.values()].flatMap((one) => {
    const now = one.presence?.ping();
    return now ? [now] : [];
  });
  return presence.length > 0 ? { ...cursors(core), presence } : cursors(core);
};
const cursors = (core: Core) => ({
  type: "Ping" as const,
  cursors: [...core.targets.values()].flatMap(({ key, subscription, awaited, replica: { confirmed } }) =>
    confirmed && !awaited && subscription.phase === "answered"
      ? [[key, confirmed.sequence, confirmed.mark] as const]
      : [],
  ),
});

/** Something that was sent by this connection has no answer yet, and nobody has said to wait for it. */
export const awaiting = (core: Core): boolean =>
  [...core.targets.values()].some(
    ({ subscription: { phase, retrying } }) => phase === "asked" && !retrying,
  ) ||
  [...core.queues.values()].some(
    ({ paused, entries }) => !paused && entries.some(({ stage }) => stage === "sent"),
  );
