// The targets held in memory: found or opened by key, evicted when idle, never more than the limit. Not here: folding one
// from its log (opening.ts).
import { CallaError } from "@calla/shared";
import type { Message, ModelSlice, TargetKey } from "@calla/shared";
import type { Core } from "./core.ts";
import { hearDigest, hearRing } from "./doorbell.ts";
import type { Digest } from "./doorbell.ts";
import { hearRelayed } from "./ephemeral.ts";
import { admission } from "./handlers.ts";
import type { Who } from "./handlers.ts";
import { LiveTarget } from "./live-target.ts";
import type { Reply } from "./live-target.ts";
import { Conversation } from "./conversation.ts";
import { isNewer, openState } from "./opening.ts";
import { TargetEngine } from "./target-engine.ts";

/** What opening a target tells the rest: a doorbell rang, another node told what its model hashes to. */
export interface RegistryEvents {
  rang(live: LiveTarget): void;
  told(live: LiveTarget, digest: Digest): void;
}

export class TargetRegistry {
  readonly #core: Core;
  readonly #events: RegistryEvents;
  readonly #targets = new Map<TargetKey, LiveTarget>();
  /** The newest version met of each slice, above our own. */
  readonly #newer = new Map<ModelSlice, number>();
  /** Whose models have been reported to be over a limit already. */
  readonly #told = new Set<TargetKey>();

  constructor(core: Core, events: RegistryEvents) {
    this.#core = core;
    this.#events = events;
  }

  get(key: TargetKey): LiveTarget | undefined {
    return this.#targets.get(key);
  }
  all(): Iterable<LiveTarget> {
    return this.#targets.values();
  }
  /** Open, and somebody follows it here. */
  *followed(): Iterable<LiveTarget> {
    for (const live of this.#targets.values())
      if (live.engine?.ready === true && live.audience.followers.size > 0) yield live;
  }

  /** The target, opened or being opened; undefined if too many are busy. */
  open(key: TargetKey, slice: ModelSlice, params: readonly string[]): LiveTarget | undefined {
    const known = this.#targets.get(key);
    if (known !== undefined) {
      known.lastUsed = this.#core.clock.now();
      return known;
    }
    if (this.#targets.size >= this.#core.limits.maxOpenTargets && !this.#makeRoom()) return undefined;
    const live = new LiveTarget(this.#core, key, slice, params);
    this.#targets.set(key, live);
    if (this.#core.log.shared) {
      // Subscribed before the log is read, so that no ring is missed in between.
      const silences = [
        hearRing(this.#core, key, () => this.#events.rang(live)),
        hearDigest(this.#core, key, (digest) => this.#events.told(live, digest)),
        hearRelayed(this.#core, key, live.audience),
      ];
      live.silence = () => silences.forEach((silence) => silence());
    }
    void this.#begin(live);
    return live;
  }

  async #begin(live: LiveTarget): Promise<void> {
    const core = this.#core;
    try {
      const state = await openState(core, live.key, live.slice);
      live.engine = new TargetEngine<Reply>({
        target: live.key,
        slice: live.slice,
        state,
        admit: admission<Reply>({
          slice: live.slice,
          handlers: live.handlers,
          topic: live.key,
          params: live.params,
          maxBatch: core.limits.maxBatch,
          strict: core.strict,
          normalise: (message) => core.serialiser.normaliseMessage(message) as Message,
          who: (reply) => (reply instanceof Conversation ? reply : NOBODY),
          report: (error) => core.report(error),
        }),
        carrier: core.serialiser,
        told: this.#told,
        limits: core.limits,
        random: core.random,
        strict: core.strict,
        hooked: live.hooked,
      });
    } catch (error) {
      this.failed(live, error);
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
    this.#core.report(error);
  }

  /** Forgets a target. What it held is in the log. */
  drop(live: LiveTarget): void {
    live.closed = true;
    live.silence?.();
    if (this.#targets.get(live.key) === live) this.#targets.delete(live.key);
    for (const go of live.ended.splice(0)) go();
  }

  /** Lets idle targets go; their snapshots are stored on the way. */
  sweep(): void {
    const before = this.#core.clock.now() - this.#core.limits.targetIdle;
    for (const live of this.#targets.values()) if (isIdle(live) && live.lastUsed <= before) this.#evict(live);
  }

  saveSnapshot(live: LiveTarget): Promise<void> {
    const state = live.engine?.state;
    if (state === undefined || live.sinceSnapshot === 0 || state.removed) return Promise.resolve();
    live.sinceSnapshot = live.bytesSinceSnapshot = 0;
    const { sequence, mark, at, model } = state;
    return this.#core.log
      .saveSnapshot(live.key, { sequence, mark, at, model, version: live.slice.version })
      .catch((error: unknown) => {
        live.sinceSnapshot ||= 1; // still to be stored, at the latest when it leaves
        this.#core.report(error);
      });
  }

  #evict(live: LiveTarget): void {
    void this.saveSnapshot(live);
    this.drop(live);
  }

  #makeRoom(): boolean {
    let oldest: LiveTarget | undefined;
    for (const live of this.#targets.values()) {
      if (isIdle(live) && (oldest === undefined || live.lastUsed < oldest.lastUsed)) oldest = live;
    }
    if (oldest === undefined) return false;
    this.#evict(oldest);
    return true;
  }
}

const NOBODY: Who = { clientId: "", user: null };

const isIdle = (live: LiveTarget): boolean =>
  live.engine !== undefined &&
  live.ending === undefined &&
  live.users === 0 &&
  live.audience.empty &&
  live.engine.quiet &&
  live.rows.size === 0 &&
  live.looking.length === 0;
