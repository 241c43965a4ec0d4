// The targets held in memory: found or opened by key, evicted when idle, never more than the limit. Opening reads the
// snapshot and folds what came after it.
import { CallaError, initialModel, ORIGIN } from "@calla/shared";
import type { Cursor, Message, ModelSlice, TargetKey } from "@calla/shared";
import { checkInitial } from "./carry.ts";
import type { Core } from "./core.ts";
import { hearRelayed } from "./ephemeral.ts";
import { admission } from "./handlers.ts";
import type { Who } from "./handlers.ts";
import { LiveTarget } from "./live-target.ts";
import type { Reply } from "./live-target.ts";
import { Conversation } from "./conversation.ts";
import { foldRecord } from "./records.ts";
import { TargetEngine } from "./target-engine.ts";
import type { TargetState } from "./batch.ts";

/** What opening a target tells the rest: a doorbell rang. */
export interface RegistryEvents {
  rang(live: LiveTarget): void;
}

export class TargetRegistry {
  readonly #core: Core;
  readonly #events: RegistryEvents;
  readonly #targets = new Map<TargetKey, LiveTarget>();

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
        this.#core.pubsub.subscribe(doorbell(key), () => this.#events.rang(live)),
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
        limits: core.limits,
        random: core.random,
        strict: core.strict,
        shared: core.log.shared,
      });
    } catch (error) {
      core.report(error);
      this.drop(live);
    }
    const opening = live.opening;
    live.opening = [];
    for (const waiting of opening) waiting(live.engine);
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
    live.sinceSnapshot = 0;
    const { sequence, mark, at, model } = state;
    return this.#core.log
      .saveSnapshot(live.key, { sequence, mark, at, model, version: live.slice.version })
      .catch((error: unknown) => this.#core.report(error));
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

/** The pubsub channel on which an append to a target is rung. */
export const doorbell = (key: TargetKey): string => `appended:${key}`;

const isIdle = (live: LiveTarget): boolean =>
  live.engine !== undefined &&
  live.users === 0 &&
  live.audience.empty &&
  live.engine.quiet &&
  live.rows.size === 0 &&
  live.looking.length === 0;

/** Folds a target from its log. */
export async function openState(core: Core, key: TargetKey, slice: ModelSlice): Promise<TargetState> {
  const initial = initialModel(slice, { strict: core.strict });
  if (core.strict) checkInitial(core.serialiser, slice, initial);
  for (let attempt = 0; attempt < 5; attempt++) {
    const head = await core.log.open(key);
    if (head === undefined) return { ...ORIGIN, at: 0, model: initial, removed: false };
    if (head.removed)
      return { sequence: head.sequence, mark: head.mark, at: head.at, model: initial, removed: true };
    const folded = await foldFrom(core, key, slice, head.snapshot ?? { ...ORIGIN, at: 0, model: initial });
    if (folded !== undefined) return folded;
  }
  throw new CallaError("storage", { target: key }, `The log's snapshot and records of "${key}" do not meet.`);
}

/** undefined: the log was compacted meanwhile, so there is a newer snapshot to begin from. */
async function foldFrom(
  core: Core,
  key: TargetKey,
  slice: ModelSlice,
  start: Cursor & { readonly at: number; readonly model: unknown },
): Promise<TargetState | undefined> {
  let { sequence, mark, at, model } = start;
  for (;;) {
    const result = await core.log.read(key, { sequence, mark }, core.limits.maxCatchUp);
    if (result.status !== "records") return undefined;
    for (const record of result.records) {
      const folded = foldRecord(slice, model, record);
      if (folded.error !== undefined) core.report(folded.error);
      ({ sequence, mark, at } = record);
      model = folded.model;
    }
    if (result.records.length < core.limits.maxCatchUp) return { sequence, mark, at, model, removed: false };
  }
}
