// `server.consume`: work that must be done for everything that happens to a slice's targets, in the log's order, at least
// once, from a stored position. Not here: hooks, which only observe (handlers.ts), and clients that subscribe (catch-up.ts).
import { CallaError, isSession } from "@calla/shared";
import type { Cancel, Slice, TargetKey } from "@calla/shared";
import { sentenceOf } from "../base/storage-outage.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Change, ClaimResult, Position, LogConsumer } from "../log/log.ts";
import { entryOf } from "./topic-history.ts";
import type { HistoryEntry } from "./topic-history.ts";

/** Which topic something happened to, and its name among everything that ever happens. */
interface Consumed {
  readonly topic: TargetKey;
  /** What stands for the pattern's variables. */
  readonly params: readonly string[];
  /** The same at each call for this entry, and no other entry has it: by it a handler knows what it has done. */
  readonly key: string;
}
/** Something that happened to a topic: a dispatch (or a whole model), or the topic's end. */
export type ConsumedEntry<S> = Consumed &
  (
    | (HistoryEntry<S> & { readonly gone?: undefined })
    /** Removed by the app, or a session past its lifetime. */
    | { readonly gone: "removed" | "expired"; readonly sequence: number; readonly at: number }
  );

/** What `server.consume` takes: which consumer, and where a new one begins. */
export interface ConsumerOptions {
  /** The name of the consumer, of which the log remembers how far it has come. One per slice and purpose. */
  readonly name: string;
  /** Where a consumer that has never run begins: at the oldest record that the log still has (default), or with what comes. */
  readonly from?: "beginning" | "now";
}

/**
 * Called for one entry after the other, each until it does not throw or reject. It may run twice for one entry:
 * `entry.key` tells.
 */
export type ConsumerHandler<S> = (entry: ConsumedEntry<S>) => void | Promise<void>;

/** Read at once; the position is stored after as many, or a second. */
const PAGE = 100;
const SAVE_AFTER = 1_000;
/**
 * A node that vanishes is replaced after so long. Renewed three times meanwhile. Nodes' clocks are never compared, for any
 * of them may be set: a lease is over when the waiting node has seen it unchanged for as long, by its own monotonic clock.
 */
const LEASE = 15_000;
/** Milliseconds between looks at another's lease. */
const LOOK = LEASE / 3;
/** The owner of a lease that was given up. */
const NOBODY = "";
/** Doubled from try to try. */
const RETRY = { first: 100, most: 30_000 };

/** The channel on which nodes tell each other that a log has grown. */
const GROWN = "log-grown";
/** Milliseconds: they are told so often at most, whoever consumes there. */
const TELL_EVERY = 20;
/** And that one has given up the lease of a consumer. */
const FREED = "consumer-freed";

/** All consumers of the log on one server. */
export class LogConsumers {
  readonly #context: ServerContext;
  readonly #running = new Map<string, ConsumerRun>();
  #silences: (() => void)[] | undefined;
  /** When the other nodes were told that the log has grown, and what will tell them again. */
  #toldAt = -Infinity;
  #telling: Cancel | undefined;
  #count = 0;
  #stopped = false;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  consume<S>(
    slice: Slice,
    { name, from = "beginning" }: ConsumerOptions,
    handler: ConsumerHandler<S>,
  ): () => Promise<void> {
    const consumer = nameOf(slice, name);
    if (this.#stopped) throw new CallaError("closed", { name }, "The server has been stopped.");
    if (this.#running.has(consumer))
      throw new CallaError(
        "wiring",
        { slice: slice.name, name },
        `consume: slice "${slice.name}" has a consumer named "${name}" here already; give each consumer a name of its own.`,
      );
    const context = this.#context;
    const running = new ConsumerRun(
      context,
      slice,
      consumer,
      `${context.node}/${++this.#count}`,
      from,
      handler as ConsumerHandler<unknown>,
    );
    this.#running.set(consumer, running);
    if (context.log.shared)
      this.#silences ??= [
        context.pubsub.subscribe(GROWN, () => this.#wake()),
        context.pubsub.subscribe(FREED, (freed) => this.#running.get(freed as string)?.freed()),
      ];
    running.start();
    return async () => {
      if (this.#running.get(consumer) === running) this.#running.delete(consumer);
      await this.#end(consumer, running);
    };
  }

  async #end(consumer: string, running: ConsumerRun): Promise<void> {
    await running.stop();
    if (this.#context.log.shared) this.#context.pubsub.publish(FREED, consumer);
  }

  async dropConsumer(slice: Slice, name: string): Promise<void> {
    const consumer = nameOf(slice, name);
    const running = this.#running.get(consumer);
    this.#running.delete(consumer);
    await running?.stop();
    await this.#context.log.dropConsumer(consumer);
  }

  /** The log is another one: what is stored in it counts, and not what was read before. */
  anew(): void {
    for (const running of this.#running.values()) running.lose();
  }

  /** The log has grown by this node's doing. */
  grown(): void {
    if (this.#context.log.shared && !this.#telling) {
      const { clock } = this.#context;
      const left = this.#toldAt + TELL_EVERY - clock.monotonic();
      if (left <= 0) this.#tellOthers();
      else this.#telling = clock.setTimeout(() => this.#tellOthers(), left);
    }
    this.#wake();
  }

  #tellOthers(): void {
    this.#telling = undefined;
    this.#toldAt = this.#context.clock.monotonic();
    this.#context.pubsub.publish(GROWN, this.#context.node);
  }

  /** What the others have told may not have been heard: something may have come, and leases may be free. */
  stirred(): void {
    for (const running of this.#running.values()) {
      running.wake();
      running.freed();
    }
  }

  #wake(): void {
    for (const running of this.#running.values()) running.wake();
  }

  /** Resolves when no handler runs any more and positions are stored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const silence of this.#silences ?? []) silence();
    if (this.#telling) {
      this.#telling();
      this.#tellOthers();
    }
    await Promise.all([...this.#running].map(([consumer, running]) => this.#end(consumer, running)));
    this.#running.clear();
  }
}

/** Names are by slice: "audit" of one is not "audit" of another. */
function nameOf({ name: slice, kind }: Slice, name: string): string {
  if (kind === "ephemeral" || kind === "local")
    throw new CallaError(
      "wiring",
      { slice },
      `consume: slice "${slice}" is ${kind}; it has no log to consume.`,
    );
  if (typeof name !== "string" || !/^[\w.:-]{1,100}$/.test(name))
    throw new CallaError("wiring", { slice, name }, "consume: a name is 1 to 100 of A-Z, a-z, 0-9 and _.:-");
  return `${slice}/${name}`;
}

/** One consumer on this node: waits for the lease, then calls the handler for one entry after the other. */
class ConsumerRun {
  readonly #context: ServerContext;
  readonly #slice: Slice;
  readonly #name: string;
  readonly #owner: string;
  readonly #from: "beginning" | "now";
  readonly #handler: ConsumerHandler<unknown>;
  /** Everything before it has been done. */
  #done: Position = "";
  #saved: Position = "";
  #savedAt = 0;
  /** Held until then, by the monotonic clock; 0: it is not. */
  #heldUntil = 0;
  /** The lease's end as the log has it: a name for it, each time another, that the next one is above. */
  #lease = 0;
  /** Another's lease, and since when it has been seen unchanged. */
  #seen: { readonly until: number; readonly since: number } | undefined;
  /** What the log knows of it counts, until it is claimed again, and not what this node knows. */
  #lost = false;
  #stopping = false;
  #ended: Promise<void> | undefined;
  /** Something may have come while nobody waited for it. */
  #woken = false;
  /** Ends the wait, and what may end it before its time. */
  #waiting: (() => void) | undefined;
  #waitsFor: "news" | "lease" | undefined;
  #renewing: Cancel | undefined;

  constructor(
    context: ServerContext,
    slice: Slice,
    name: string,
    owner: string,
    from: "beginning" | "now",
    handler: ConsumerHandler<unknown>,
  ) {
    this.#context = context;
    this.#slice = slice;
    this.#name = name;
    this.#owner = owner;
    this.#from = from;
    this.#handler = handler;
  }

  start(): void {
    this.#ended = this.#run();
  }

  wake(): void {
    this.#woken = true;
    if (this.#waitsFor === "news") this.#waiting?.();
  }

  /** Another node has given up the lease. */
  freed(): void {
    if (this.#waitsFor === "lease") this.#waiting?.();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#waiting?.();
    await this.#ended;
  }

  get #held(): boolean {
    return this.#context.clock.monotonic() < this.#heldUntil;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      try {
        if (!this.#held) {
          await this.#claim();
          continue;
        }
        this.#woken = false;
        if (!(await this.#page())) await this.#wait(this.#context.limits.maxStaleness, "news");
        failures = 0;
      } catch (cause) {
        this.#report(cause);
        this.lose();
        await this.#wait(backoff(failures++));
      }
    }
    this.#renewing?.();
    if (!this.#held) return;
    try {
      await this.#save();
      // Given up, so that another node need not wait for the lease to end.
      if (this.#held) await this.#take(NOBODY, this.#lease, this.#context.clock.now());
    } catch (cause) {
      this.#report(cause);
    }
  }

  async #claim(): Promise<void> {
    const { clock, log } = this.#context;
    const known = (await log.consumers()).find(({ name }) => name === this.#name);
    const left = known === undefined ? 0 : this.#leftOf(known);
    if (left > 0) return this.#wait(Math.min(left, LOOK), "lease");
    this.#seen = undefined;
    const begun = clock.monotonic();
    const endedBy = known?.until ?? 0;
    const until = this.#after(endedBy);
    const claimed = await this.#take(this.#owner, endedBy, until);
    // Another node was first.
    if (claimed.status === "taken") return this.#wait(LOOK, "lease");
    this.#lost = false;
    this.#done = this.#saved = claimed.position;
    this.#savedAt = begun;
    this.#lease = until;
    this.#heldUntil = begun + LEASE;
    this.#renew();
  }

  /** Gives the lease to somebody, unless it has been renewed since it was seen to end then. */
  #take(owner: string, endedBy: number, until: number): Promise<ClaimResult> {
    return this.#context.log.claimConsumer(this.#name, { owner, now: endedBy, until, from: this.#from });
  }

  /** The end of the next lease: for people in wall time, and above the one before, whatever that has done. */
  #after(former: number): number {
    return Math.max(this.#context.clock.now() + LEASE, former + 1);
  }

  /** How long another's lease is still to be respected, at least. */
  #leftOf({ owner, until }: LogConsumer): number {
    if (owner === this.#owner || owner === NOBODY) return 0;
    const now = this.#context.clock.monotonic();
    if (this.#seen?.until !== until) this.#seen = { until, since: now };
    return this.#seen.since + LEASE - now;
  }

  /** From now on what the log knows of this consumer counts, and not what this node knows: it may have lost what it took. */
  lose(): void {
    this.#lost = true;
    this.#heldUntil = 0;
    this.#renewing?.();
    if (this.#waitsFor === "news") this.#waiting?.();
  }

  /** Keeps the lease while a handler takes its time. */
  #renew(): void {
    this.#renewing?.();
    this.#renewing = this.#context.clock.setTimeout(() => {
      if (!this.#held) return;
      void this.#save(true)
        .catch((cause: unknown) => {
          this.#report(cause);
          this.lose();
        })
        .finally(() => {
          if (!this.#stopping && this.#held) this.#renew();
        });
    }, LOOK);
  }

  /** Tells what has come; false if nothing has. */
  async #page(): Promise<boolean> {
    const from = this.#done;
    const { changes, position } = await this.#context.log.changes(from, PAGE, (target) =>
      this.#isOurs(target),
    );
    for (const change of changes) {
      const told = this.#entryOf(change);
      if (told !== undefined && !(await this.#tell(told))) return true;
      this.#done = change.position;
      if (this.#context.clock.monotonic() - this.#savedAt >= SAVE_AFTER) await this.#save();
    }
    this.#done = position;
    await this.#save();
    return position !== from;
  }

  /** Until it has been done, or is no longer ours to do. Nothing is skipped. */
  async #tell(entry: ConsumedEntry<unknown>): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      if (this.#stopping || !this.#held) return false;
      try {
        await this.#handler(entry);
        return true;
      } catch (cause) {
        this.#context.report(
          new CallaError(
            "hook",
            { consumer: this.#name, key: entry.key, cause },
            `The handler of consumer "${this.#name}" failed at ${entry.key} and is tried again: ${String(cause)}`,
          ),
        );
        await this.#wait(backoff(failures));
      }
    }
  }

  /** Stores how far it has come, if that is news or the lease is to be renewed, which it is in any case. */
  async #save(renew = false): Promise<void> {
    if (this.#lost || (this.#done === this.#saved && !renew)) return;
    const done = this.#done;
    const begun = this.#context.clock.monotonic();
    const until = (this.#lease = this.#after(this.#lease));
    const ours = await this.#context.log.advanceConsumer(this.#name, {
      owner: this.#owner,
      position: done,
      until,
    });
    this.#saved = done;
    this.#savedAt = this.#context.clock.monotonic();
    // Another node has taken over, or the consumer was dropped: the holder of the lease begins where we stored it last.
    if (!ours) this.#heldUntil = 0;
    else if (this.#held) this.#heldUntil = Math.max(this.#heldUntil, begun + LEASE);
  }

  #named(target: TargetKey) {
    const { wiring } = this.#context;
    return isSession(target) ? { slice: wiring.session, params: [] } : wiring.sliceOf(target);
  }

  #isOurs(target: TargetKey): boolean {
    return this.#named(target)?.slice === this.#slice;
  }

  #entryOf(change: Change): ConsumedEntry<unknown> | undefined {
    const { target } = change;
    if (!this.#isOurs(target)) return undefined;
    const { params } = this.#named(target)!;
    if ("record" in change) {
      const { sequence, mark } = change.record;
      const key = `${target} ${sequence}.${mark.toString(36)}`;
      return { topic: target, params, key, ...entryOf<unknown>(change.record) };
    }
    const { gone, sequence, at } = change;
    return { topic: target, params, key: `${target} ${sequence} ${gone} ${at}`, gone, sequence, at };
  }

  #report(cause: unknown): void {
    const what = `The consumer "${this.#name}" cannot go on: ${sentenceOf(cause)} It is tried again.`;
    this.#context.report(new CallaError("storage", { consumer: this.#name, cause }, what));
  }

  /** Until then, or until it is stopped, or what it waits for may be there. */
  async #wait(milliseconds: number, waitsFor?: "news" | "lease"): Promise<void> {
    if (this.#stopping || (waitsFor === "news" && this.#woken)) return;
    await new Promise<void>((go) => {
      const end = (): void => {
        cancel();
        this.#waiting = undefined;
        go();
      };
      const cancel = this.#context.clock.setTimeout(end, milliseconds);
      this.#waiting = end;
      this.#waitsFor = waitsFor;
    });
  }
}

const backoff = (failures: number): number => Math.min(RETRY.first * 2 ** failures, RETRY.most);
