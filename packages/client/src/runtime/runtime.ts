// Joins the engines: a dispatch becomes prediction, stored entry and frame, and the server's frames become models and
// outcomes (incoming.ts). Here is the way out: dispatching, subscribing, sending, sending again. Not here: the
// connection (connection.ts), the app's handles (topic.ts), composition (client.ts).
import { CallaError, messageId, PROTOCOL_VERSION } from "@calla/shared";
import type {
  CallaRejectionCode,
  Cancel,
  ClientFrame,
  ClientFrames,
  Random,
  Serialiser,
  ServerFrame,
  ServerFrames,
  Slice,
  StatusReason,
  SteadyClock,
  Subscription,
  TargetKey,
  Wiring,
} from "@calla/shared";
import { accept, listedWrite, newEntry, writeState } from "../replica/dispatch-entry.ts";
import { checkFits, takenOf } from "../replica/fits.ts";
import { createHolding } from "./holding.ts";
import { createLedger } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import { oncePerTurn } from "../base/notifier.ts";
import type { Stop } from "../base/notifier.ts";
import { createOutbox } from "../replica/outbox.ts";
import type { OutboxLimits } from "../replica/outbox.ts";
import { createIncoming } from "./incoming.ts";
import type { SnapshotTaken, Versions } from "./incoming.ts";
import type { Owner, Storage, StorageHost } from "../storage/storage.ts";
import { createSubscriptions, isFollowed } from "../replica/subscriptions.ts";
import { createSuspects, isDoubted } from "../replica/suspects.ts";
import { hasCaughtUp, isLive } from "../replica/target.ts";
import type { AnyState, Dispatch, HeldWrite, PendingWrite, Target } from "../replica/target.ts";
import { roughSize } from "../base/size.ts";
import { createTargets } from "../replica/targets.ts";
import type { DecidedWrite } from "../replica/targets.ts";
import type { ReconnectOptions } from "../transports/transport.ts";
import { createWrite } from "../replica/write.ts";
import type { Write } from "../replica/write.ts";

/** As much of the connection as the runtime needs. */
export interface Outlet {
  readonly open: boolean;
  send(frames: readonly ClientFrame[]): void;
  renew(reason: "mid-conflict"): void;
}

export interface RuntimeOptions extends OutboxLimits {
  readonly wiring: Wiring;
  readonly serialiser: Serialiser;
  readonly storage: Storage | undefined;
  readonly owner: Owner;
  readonly host: StorageHost;
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly reconnect: ReconnectOptions;
  readonly strict: boolean;
  readonly linger: number;
  readonly answerTimeout: number;
  readonly outlet: Outlet;
  readonly report: (error: unknown) => void;
  readonly onSnapshot: ((taken: SnapshotTaken) => void) | undefined;
  readonly onOutcome: ((decided: DecidedWrite) => void) | undefined;
  readonly digest: ((model: unknown) => number) | undefined;
  readonly onVersionMismatch: ((versions: Versions) => void) | undefined;
  readonly changed: () => void;
}

export interface Runtime {
  target(key: TargetKey): Target;
  state(target: Target): AnyState;
  retain(target: Target): Stop;
  dispatch(key: TargetKey, input: unknown): Write;
  /** To an ephemeral topic: sent with this turn or never. */
  tell(key: TargetKey, input: unknown): void;
  readonly pending: readonly PendingWrite[];
  readonly held: readonly HeldWrite[];
  readonly waiting: number;
  readonly failing: boolean;
  readonly clientId: string | undefined;
  readonly closed: boolean;
  load(): Promise<void>;
  hello(token: unknown): ClientFrames["Hello"];
  unsaid(targets: readonly Subscription[]): void;
  ping(): ClientFrame;
  /** Something that was sent by this connection has no answer yet, and nobody has said to wait for it. */
  awaiting(): boolean;
  connected(frame: ServerFrames["Connected"]): void;
  receive(frame: ServerFrame): void;
  tooLarge(frame: ClientFrame): void;
  /** The server will not have something that was sent, and says so by this code. True: that may be a message. */
  refused(code: CallaRejectionCode): boolean;
  /** `cut`: nobody has said why. */
  disconnected(cut: boolean): void;
  /** The server has refused this client for good, for this reason; "": it is tried again. */
  ended(code: StatusReason | ""): void;
  close(): Promise<void>;
  forget(): Promise<void>;
  forgetEveryone(): Promise<number>;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { wiring, serialiser, clock, random, strict, outlet, answerTimeout } = options;
  const outbox = createOutbox<Dispatch>(options);
  const targets = createTargets({
    ...options,
    queue: outbox.queue,
    connected: () => outlet.open,
    ended: () => terminal,
    changed() {
      ledger.changed?.();
      options.changed();
    },
  });
  const ledger: Ledger = createLedger({ ...options, outbox, targets, durable: flush });
  const subscriptions = createSubscriptions(clock, options.linger, {
    ask: ({ target }) => ask(targets.get(target)),
    leave: ({ target }) => ledger.leave(targets.get(target)),
    drop,
  });
  const receive = createIncoming({
    ...options,
    targets,
    ledger,
    outbox,
    subscriptions,
    renew: (reason) => outlet.renew(reason),
    later,
    flush,
  });
  const holding = createHolding({ ...options, outbox, ledger, targets, flush, cancel });
  const suspects = createSuspects<Dispatch>(clock, {
    ask: () => outlet.send([{ type: "Ping", cursors: [] }]),
    // A timer may run a little early by the monotonic clock, and nothing else would look again.
    later: (milliseconds) => void later(milliseconds + 1, flush),
  });
  /** Names this page in its Hellos. */
  const page = random.uint32();
  let hellos = 0;
  let maxInFlight = 0;
  /** What the server takes of a frame. */
  let taken = takenOf({});
  /** The server's clock minus ours. */
  let offset = 0;
  let closed = false;
  /** Why the server will not have this client back. */
  let terminal: StatusReason | "" = "";
  let sweeping = false;
  let listed: readonly PendingWrite[] = [];
  /** The subscribes in the last `Hello`, by ref. */
  let greeted = new Map<number, TargetKey>();
  /** The refs of those that it had no room for. */
  let unsaid = new Set<number>();
  /** Those among them that named a cursor. */
  let placed = new Set<Target>();
  const timers = new Set<Cancel>();

  // ------------------------------------------------------------------------------------------------------ dispatch

  function dispatch(key: TargetKey, input: unknown): Write {
    const one = targets.get(key);
    const messages = check(one.slice, input);
    const at = Math.max(one.at, clock.now() + offset);
    const id = messageId(random);
    const control = createWrite(
      id,
      () => writeState(entry),
      () => cancel(entry),
      () => !closed && holding.retry(entry),
    );
    const entry = newEntry({ target: key, id, messages, at, ...ledger.author(key) }, control);
    checkFits(serialiser, taken, entry);
    outbox.add(entry);
    one.at = at;
    targets.predict(one, entry);
    ledger.save();
    return control.write;
  }

  function check(slice: Slice | undefined, input: unknown) {
    if (closed) throw new CallaError("closed");
    if (!slice) throw new CallaError("topic");
    return accept(slice, input, serialiser, strict);
  }

  /** Never sent: without a mid it is as if it had never been, with one that goes out as void (OB7). */
  function cancel(entry: Dispatch): boolean {
    if (closed || entry.outcome) return false;
    if (entry.held) return holding.giveUp(entry, "cancelled");
    if (entry.out) return false;
    const one = targets.get(entry.target);
    entry.outcome = { error: new CallaError("cancelled") };
    if (entry.mid === 0) {
      entry.recorded = true;
      outbox.decide(one.queue, entry);
    } else ledger.giveUp(entry);
    targets.settle(one);
    return true;
  }

  const tellAll = oncePerTurn(clock, () => {
    for (const one of targets.all.values()) {
      const frames = one.outgoing.map((message) => topicMessage(one.key, 0, messageId(random), 0, [message]));
      one.outgoing = [];
      outlet.send(frames);
    }
  });

  function tell(key: TargetKey, input: unknown): void {
    const one = targets.get(key);
    const messages = check(one.slice, input);
    checkFits(serialiser, taken, { target: key, id: "", messages, size: roughSize(messages) });
    const latest = one.slice?.kind === "ephemeral" && one.slice.keep === "latest";
    one.outgoing = latest ? messages.slice(-1) : [...one.outgoing, ...messages];
    tellAll();
  }

  // ----------------------------------------------------------------------------------------------------- frames out

  /** Sends whatever may leave. */
  function flush(): void {
    if (!outlet.open) return;
    if (movable()) return outlet.renew("mid-conflict");
    if (suspects.alone) return;
    const now = clock.monotonic();
    const frames: ClientFrame[] = [];
    const doubted: Dispatch[] = [];
    const leave = (entry: Dispatch): void => {
      const { target, mid, id, messages } = entry;
      entry.stage = "sent";
      entry.out = true;
      entry.sentAt = now;
      frames.push(topicMessage(target, mid, id, outbox.queue(target).settled, messages));
    };
    for (const queue of outbox.queues.values()) {
      // What stands behind a doubted one waits for it, also when that has left.
      let behind = suspects.waitsFor(queue.target);
      for (const entry of outbox.sendable(queue, maxInFlight)) {
        if (isDoubted(entry)) doubted.push(entry);
        else if (behind) break;
        else leave(entry);
        behind ||= isDoubted(entry);
      }
    }
    suspects.next(doubted).forEach(leave);
    if (conflicted())
      for (const entry of outbox.held) {
        const { target, mid, id, out, sentAt } = entry;
        if (!out || now - sentAt < answerTimeout) continue;
        // It may have arrived, and this identity is to be left: its mid is made void, unless it was applied (OB33).
        entry.sentAt = now;
        frames.push(topicMessage(target, mid, id, outbox.queue(target).settled, []));
      }
    outlet.send(frames);
    if (frames.length > 0 || doubted.length > 0) sweepLater();
  }

  /** What was sent and has no outcome. */
  const undecided = (): Dispatch[] =>
    [...outbox.queues.values()].flatMap(({ entries }) => entries.filter(({ stage }) => stage === "sent"));

  /** This identity has used a mid twice, and is to be left behind. */
  const conflicted = (): boolean => [...outbox.queues.values()].some(({ conflict }) => conflict < Infinity);
  /** A conflict is known, and nothing else of this identity is undecided: it can be left behind (OB8). */
  const movable = (): boolean =>
    conflicted() &&
    [...outbox.queues.values()].every(({ entries, conflict }) =>
      entries.every(({ out, mid }) => !out || mid >= conflict),
    );

  const asked = (one: Target) => {
    const { key, slice, subscription } = one;
    const { settled, last } = ledger.mids(key);
    const cursor = ledger.cursor(one);
    return {
      target: key,
      ref: subscription.ref,
      ...(cursor && cursor.sequence >= 0 && slice?.kind !== "ephemeral"
        ? { cursor: { sequence: cursor.sequence, mark: cursor.mark } }
        : {}),
      settled,
      sent: last,
      ...(one.diverged === undefined ? {} : { diverged: one.diverged }),
    };
  };

  /** What came to be wanted, or unwanted, after `Hello` was written and before anything else could be said (CL7). */
  function catchUpOnWishes(): void {
    const wishes: ClientFrame[] = [];
    for (const one of targets.all.values()) {
      const { subscription } = one;
      if (!isFollowed(subscription)) continue;
      if (!greeted.delete(subscription.ref)) wishes.push(wish(one));
      // Its model turned out to be another user's, or of no use: without a cursor, then.
      else if (placed.has(one) && !one.replica.confirmed) subscriptions.ask(subscription);
    }
    for (const [ref, target] of greeted) wishes.push({ type: "Unsubscribe", target, ref });
    greeted.clear();
    outlet.send(wishes);
  }

  function wish(one: Target): ClientFrame {
    one.awaited = undefined;
    return { type: "Subscribe", ...asked(one) };
  }

  function ask(one: Target): void {
    outlet.send([wish(one)]);
    targets.touch(one);
    sweepLater();
  }

  function drop({ target }: { target: TargetKey }, ref: number): void {
    const one = targets.get(target);
    if (ref) outlet.send([{ type: "Unsubscribe", target, ref }]);
    one.awaited = undefined;
    targets.show(one, undefined);
    targets.forget(one);
  }

  // ----------------------------------------------------------------------------------------------------------- time

  function later(milliseconds: number, run: () => void): Cancel {
    if (closed) return () => {};
    const cancel = clock.setTimeout(() => {
      timers.delete(cancel);
      run();
    }, milliseconds);
    timers.add(cancel);
    return () => {
      timers.delete(cancel);
      cancel();
    };
  }

  /** A lost frame wedges nothing: what has no answer in time is asked or sent again (CL10). */
  function sweepLater(): void {
    if (sweeping) return;
    sweeping = true;
    later(answerTimeout, () => {
      sweeping = false;
      if (!outlet.open) return;
      const before = clock.monotonic() - answerTimeout + 1;
      let waiting = false;
      for (const one of targets.all.values()) {
        const { subscription } = one;
        if (isFollowed(subscription) && !hasCaughtUp(one)) {
          waiting = true;
          // What was told to wait is asked when its time has come.
          if (subscription.askedAt < before && !subscription.retrying) subscriptions.ask(subscription);
        }
      }
      // Not by target: of one that is out of use a mid that was given up may still wait for its answer.
      for (const queue of outbox.queues.values()) {
        outbox.again(queue, 0, before);
        waiting ||= queue.entries.length > 0;
      }
      // A transaction that failed may work by now.
      ledger.save();
      flush();
      if (waiting) sweepLater();
    });
  }

  return {
    target: targets.get,
    state: targets.state,
    retain(one) {
      if (!isFollowed(one.subscription)) ledger.hydrate(one);
      return subscriptions.retain(one.subscription);
    },
    dispatch,
    tell,
    load: ledger.load,
    receive(frame) {
      // A poll's next answer begins with it.
      if ((frame.type === "Pong" || frame.type === "Connected") && suspects.answered()) flush();
      receive(frame);
      // Something is on its way, and nothing here has asked for it.
      if (frame.type === "Settled" || frame.type === "Acknowledge") sweepLater();
    },
    get pending() {
      const now = [...outbox.queues.values()].flatMap(({ entries }) =>
        entries.filter(({ outcome }) => !outcome).map(listedWrite),
      );
      const same = now.length === listed.length && now.every((one, i) => one === listed[i]);
      return same ? listed : (listed = now);
    },
    get held() {
      return holding.list();
    },
    get waiting() {
      return outbox.size;
    },
    get failing() {
      return ledger.failing;
    },
    get clientId() {
      return ledger.identity?.clientId;
    },
    get closed() {
      return closed;
    },
    hello(token) {
      // A poll asks for nothing that was told to wait (CL7).
      let followed = [...targets.all.values()].filter(
        ({ subscription }) =>
          (isFollowed(subscription) || subscription.absent) && !(outlet.open && subscription.retrying),
      );
      // Polls that have no room for all ask for what is left first, and for what is live already in the next round.
      const left = (one: Target): boolean =>
        one.subscription.phase === "asked" && unsaid.has(one.subscription.ref);
      if (outlet.open && followed.some(left))
        followed = followed
          .filter((one) => left(one) || !hasCaughtUp(one))
          .toSorted((a, b) => Number(left(b)) - Number(left(a)));
      unsaid = new Set();
      for (const one of followed) {
        const polling = outlet.open && isLive(one);
        one.awaited = undefined;
        subscriptions.renew(one.subscription);
        one.subscription.polling = polling;
      }
      greeted = new Map(followed.map(({ key, subscription }) => [subscription.ref, key]));
      placed = new Set(followed.filter(ledger.cursor));
      const { identity } = ledger;
      return {
        type: "Hello",
        protocol: PROTOCOL_VERSION,
        ...(identity && !movable()
          ? { identity: { clientId: identity.clientId, secret: identity.secret } }
          : {}),
        ...(token === undefined ? {} : { token }),
        slices: wiring.versions(),
        targets: followed.map(asked),
        attempt: [page, ++hellos],
      };
    },
    unsaid(wishes) {
      unsaid = new Set(wishes.map(({ ref }) => ref));
      for (const ref of unsaid) greeted.delete(ref);
      // Where this was no first Hello, nothing else would say them, and a poll hears that there is more to ask for.
      outlet.send(wishes.map((asking) => ({ type: "Subscribe", ...asking })));
    },
    awaiting: () =>
      [...targets.all.values()].some(
        ({ subscription: { phase, retrying } }) => phase === "asked" && !retrying,
      ) ||
      [...outbox.queues.values()].some(
        ({ paused, entries }) => !paused && entries.some(({ stage }) => stage === "sent"),
      ),
    ping: () => ({
      type: "Ping",
      cursors: [...targets.all.values()].flatMap(
        ({ key, slice, subscription, awaited, replica: { confirmed } }) =>
          confirmed && !awaited && subscription.phase === "answered" && slice?.kind !== "ephemeral"
            ? [[key, confirmed.sequence, confirmed.mark] as const]
            : [],
      ),
    }),
    connected(frame) {
      suspects.begin();
      offset = frame.now - clock.now();
      maxInFlight = frame.maxInFlight;
      taken = takenOf(frame);
      ledger.connected(frame);
      for (const one of targets.all.values()) targets.touch(one);
      catchUpOnWishes();
      flush();
      sweepLater();
    },
    /** Sent again, it would end every connection (OB13). */
    tooLarge(frame) {
      if (frame.type !== "TopicMessage") return;
      const entry = outbox.find(outbox.queue(frame.target), frame.mid, frame.id);
      if (entry && !entry.outcome) holding.giveUp(entry, "too-large");
    },
    refused(code) {
      const sent = undecided().filter(({ messages }) => messages.length > 0);
      const entry = suspects.refused(sent);
      if (entry) holding.giveUp(entry, code);
      return sent.length > 0;
    },
    disconnected(cut) {
      if (cut) {
        const poison = suspects.ended([...outbox.queues.values()].flatMap(({ entries }) => entries));
        if (poison) holding.hold(poison);
      }
      // What a server said of its rates ends with the connection: the next one says its own.
      for (const queue of outbox.queues.values()) {
        queue.paused?.();
        queue.paused = undefined;
      }
      for (const one of targets.all.values()) targets.touch(one);
    },
    ended(code) {
      if (code === terminal) return;
      terminal = code;
      for (const one of targets.all.values()) targets.touch(one);
    },
    close() {
      end();
      return ledger.close();
    },
    forget() {
      end();
      return ledger.forget();
    },
    forgetEveryone() {
      end();
      return ledger.forgetEveryone();
    },
  };

  function end(): void {
    closed = true;
    for (const cancel of timers) cancel();
    for (const one of targets.all.values()) {
      one.ready?.settle({ status: "refused", model: undefined, code: "closed" });
      ledger.leave(one);
      subscriptions.stop(one.subscription);
      // Nothing is subscribed any more, so what is known can be told.
      targets.settle(one);
      for (const { entry } of one.replica.pending) entry.control?.applied.reject(new CallaError("closed"));
    }
    // What is given up and not answered is shown no more.
    for (const { entries } of outbox.queues.values())
      for (const { outcome, control } of entries)
        if (!outcome) control?.applied.reject(new CallaError("closed"));
  }
}

const topicMessage = (
  target: TargetKey,
  mid: number,
  id: string,
  settled: number,
  messages: readonly unknown[],
): ClientFrame => ({ type: "TopicMessage", target, mid, id, settled, messages });
