// The targets held in memory: found or opened by key, evicted when idle, never more than the limit. Not here: folding one
// from its log (open-target.ts).
import { CallaError, isSession } from "@calla/shared";
import type { Message, ModelSlice, TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import { hearTarget } from "../cluster/node-messages.ts";
import type { Digest } from "../cluster/node-messages.ts";
import type { RungRecords } from "../cluster/rung-records.ts";
import { pushRelayed } from "./ephemeral-topic.ts";
import { admission } from "../app/handlers.ts";
import type { Who } from "../app/handlers.ts";
import { LiveTarget } from "./live-target.ts";
import type { Reply } from "./live-target.ts";
import { Conversation } from "../connection/conversation.ts";
import { isNewer, openState } from "./open-target.ts";
import type { Party } from "../connection/parties.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import { manyOf, Capacity } from "./capacity.ts";
import { TargetEngine } from "./target-engine.ts";

/** What the registry hears of a target in memory goes up by these calls: the commit loop and the subscriptions lie above it. */
export interface RegistryEvents {
  /** Another node has appended to it; `grown`: what, where that came along. */
  rang(live: LiveTarget, grown: RungRecords | undefined): void;
  /** Another node says what its model hashes to. */
  told(live: LiveTarget, digest: Digest): void;
  /** It is closed to make room for somebody else's: its subscribers are to hear so. */
  givesWay(live: LiveTarget): void;
}

export class TargetRegistry {
  readonly #context: ServerContext;
  readonly #slowConsumers: SlowConsumers;
  /** Whoever is connected here, by client. */
  readonly #clients: ReadonlyMap<string, unknown>;
  readonly #events: RegistryEvents;
  readonly #targets = new Map<TargetKey, LiveTarget>();
  /** The newest version met of each slice, above our own. */
  readonly #newer = new Map<ModelSlice, number>();
  /** Whose models have been reported to be over a limit already. */
  readonly #told = new Set<TargetKey>();
  /** Counts the targets that were read from the log. */
  opened = 0;
  #sessions = 0;
  readonly #capacity: Capacity<LiveTarget>;

  constructor(
    context: ServerContext,
    slowConsumers: SlowConsumers,
    clients: ReadonlyMap<string, unknown>,
    events: RegistryEvents,
  ) {
    this.#context = context;
    this.#slowConsumers = slowConsumers;
    this.#clients = clients;
    this.#events = events;
    this.#capacity = new Capacity({
      all: () => this.#topics(),
      now: () => context.clock.monotonic(),
      restful: isRestful,
      many: manyOf(context.limits.maxOpenTargets),
    });
  }

  /** What room can be made of: all but the sessions of those who are here. */
  *#topics(): Iterable<LiveTarget> {
    for (const live of this.#targets.values()) if (!isSession(live.key) || live.audience.empty) yield live;
  }

  get(key: TargetKey): LiveTarget | undefined {
    return this.#targets.get(key);
  }
  all(): Iterable<LiveTarget> {
    return this.#targets.values();
  }
  /** Open, and with a subscriber here. */
  *subscribed(): Iterable<LiveTarget> {
    for (const live of this.#targets.values())
      if (live.engine?.ready === true && live.audience.current.size > 0) yield live;
  }

  /** The target, opened or being opened, for whoever `asks` (undefined: the server); undefined: nobody gives way for it. */
  open(key: TargetKey, slice: ModelSlice, params: readonly string[], asks?: Party): LiveTarget | undefined {
    const known = this.#targets.get(key);
    if (known !== undefined) {
      known.lastUsed = this.#context.clock.monotonic();
      return known;
    }
    if (!this.#hasRoom(key) && !this.#makeRoom(asks)) return undefined;
    const live = new LiveTarget(this.#context, this.#slowConsumers, key, slice, params);
    live.openedFor = asks;
    this.#targets.set(key, live);
    if (isSession(key)) this.#sessions++;
    if (this.#context.log.shared) {
      // Subscribed before the log is read, so that no ring is missed in between.
      live.silence = hearTarget(this.#context, key, {
        rang: (grown) => this.#events.rang(live, grown),
        digest: (digest) => this.#events.told(live, digest),
        push: (push) => pushRelayed(live.audience, push),
      });
    }
    this.opened++;
    void this.#begin(live);
    return live;
  }

  async #begin(live: LiveTarget): Promise<void> {
    const context = this.#context;
    try {
      const state = await openState(context, live.key, live.slice);
      live.engine = new TargetEngine<Reply>({
        target: live.key,
        slice: live.slice,
        state,
        admit: admission<Reply>({
          slice: live.slice,
          handlers: live.handlers,
          topic: live.key,
          params: live.params,
          maxBatch: context.limits.maxBatch,
          strict: context.strict,
          normalise: (message) => context.serialiser.normaliseMessage(message) as Message,
          who: (reply) => (reply instanceof Conversation ? reply : NOBODY),
          report: (error) => context.report(error),
        }),
        carrier: context.serialiser,
        told: this.#told,
        limits: context.limits,
        random: context.random,
        strict: context.strict,
        hooked: () => live.hooked,
      });
    } catch (error) {
      // The server has stopped meanwhile: that its log is closed is no fault, and nobody waits.
      if (live.closed) live.failure = "storage";
      else this.failed(live, error);
      this.drop(live);
    }
    const opening = live.opening;
    live.opening = [];
    for (const waiting of opening) waiting(live.engine);
  }

  /** Notes why a target cannot be had, and reports it. Of newer versions once per slice: every client asks again. */
  failed(live: LiveTarget, error: unknown): void {
    live.failure = error instanceof CallaError && error.code === "version" ? "version" : "storage";
    if (isNewer(error)) {
      live.newer = error.details.version;
      if (live.newer <= (this.#newer.get(live.slice) ?? 0)) return;
      this.#newer.set(live.slice, live.newer);
    }
    this.#context.report(error);
  }

  /** Forgets a target. What it held is in the log. */
  drop(live: LiveTarget): void {
    live.closed = true;
    live.silence?.();
    if (this.#targets.get(live.key) === live) {
      this.#targets.delete(live.key);
      if (isSession(live.key)) this.#sessions--;
    }
    for (const go of live.ended.splice(0)) go();
  }

  /** Lets idle targets go, some at a time, so that others come in between; their snapshots are stored on the way. */
  async sweep(): Promise<void> {
    const before = this.#context.clock.monotonic() - this.#context.limits.targetIdle;
    const idle = (live: LiveTarget): boolean => isIdle(live) && live.lastUsed <= before && !live.closed;
    const found = [...this.#targets.values()].filter(idle);
    for (let i = 0; i < found.length; i += SWEPT_AT_ONCE)
      await Promise.all(
        found
          .slice(i, i + SWEPT_AT_ONCE)
          .filter(idle)
          .map((live) => this.#evict(live)),
      );
  }

  /** It has no subscriber and nothing of it waits: maybe it is closed to make room for another one. */
  unused(live: LiveTarget): void {
    if (isIdle(live)) this.#capacity.unused(live);
  }

  saveSnapshot(live: LiveTarget): Promise<void> {
    const state = live.engine?.state;
    if (state === undefined || live.sinceSnapshot === 0 || state.removed) return Promise.resolve();
    live.sinceSnapshot = live.bytesSinceSnapshot = 0;
    const { sequence, mark, at, model } = state;
    return this.#context.log
      .saveSnapshot(live.key, { sequence, mark, at, model, version: live.slice.version })
      .catch((error: unknown) => {
        live.sinceSnapshot ||= 1; // still to be stored, at the latest when it leaves
        this.#context.report(error);
      });
  }

  #evict(live: LiveTarget): Promise<void> {
    const saved = this.saveSnapshot(live);
    this.drop(live);
    return saved;
  }

  /** A session whose client is here has its place: there are no more of these than connections. */
  #hasRoom(key: TargetKey): boolean {
    if (isSession(key) && this.#clients.has(key.slice(1))) return true;
    const strangers = Math.max(0, this.#sessions - this.#clients.size);
    return this.#targets.size - this.#sessions + strangers < this.#context.limits.maxOpenTargets;
  }

  #makeRoom(asks: Party | undefined): boolean {
    const live = this.#capacity.for(asks);
    if (live === undefined) return false;
    this.#events.givesWay(live);
    // Unless who left it has had it do something: then it goes once that is done.
    if (isIdle(live)) void this.#evict(live);
    return true;
  }
}

/** Targets that are swept before anything else is done. */
const SWEPT_AT_ONCE = 32;
const NOBODY: Who = { clientId: "", user: null };

const isIdle = (live: LiveTarget): boolean => live.audience.empty && isRestful(live);

/** Nothing is under way with it. */
const isRestful = (live: LiveTarget): boolean =>
  live.engine !== undefined &&
  live.ending === undefined &&
  live.users === 0 &&
  live.engine.quiet &&
  live.rows.size === 0 &&
  live.looking.length === 0;
