// What is too old goes: sessions and topics that nobody uses, client rows and keys whose identities are over, tombstones, and the
// positions of consumers that never came back. The log keeps the ages; here is what counts as old, and when to look.
import { CallaError, matchTopic } from "@calla/shared";
import type { Cancel, Slice, SteadyClock, TargetKey, TopicSlice } from "@calla/shared";
import { storageError } from "../base/storage-outage.ts";
import type { ServerContext } from "../context/server-context.ts";
import { ring } from "../cluster/node-messages.ts";
import type { LiveTarget } from "./live-target.ts";
import type { Expired } from "../log/log.ts";
import type { TargetRegistry } from "./target-registry.ts";
import { prefixOf } from "./topic-list.ts";
import type { CommitLoop } from "./commit-loop.ts";

/**
 * What an identity needs stays so much longer than the identity. Any clock may be two hours off, either way: the one that
 * signs, the one that verifies, the one that dates the row and the one that asks how old it is.
 */
const CLOCK_SKEW = 8 * 3_600_000;
/** The wall clock was set if it has gained or lost as much against the monotonic one. Ages are then told at the next look. */
const SET = 60_000;
/** An eighth of a lifetime is how exactly it is kept, and how often what is in use is written down. */
const SHARE = 8;
/** However long lifetimes are, and soon after the start: a server that is restarted daily cleans up too. */
const SOON = 60_000;
const HOUR = 3_600_000;
/** Touches of so many milliseconds are one write. */
const GATHER = 1_000;
/** What one step takes of each kind, and the pause after it: others want the log too. */
const STEP = { limit: 1_000, pause: 100 };

export class ExpirySweep {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #commitLoop: CommitLoop;
  readonly #grown: () => void;
  #used = new Set<TargetKey>();
  #gathering: Cancel | undefined;
  #sweeping: Cancel | undefined;
  /** What the wall clock was ahead of the monotonic one at the last look. */
  #ahead: number;
  #stopped = false;

  /** `grown` is called when the log has something new for its consumers, which lie above this file. */
  constructor(context: ServerContext, registry: TargetRegistry, commitLoop: CommitLoop, grown: () => void) {
    this.#grown = grown;
    this.#context = context;
    this.#registry = registry;
    this.#commitLoop = commitLoop;
    this.#ahead = aheadOf(context.clock);
  }

  start(): void {
    this.#sweepIn(Math.min(SOON, this.#interval()));
  }

  /** Somebody is subscribed to it. Written down only where the log would soon think otherwise. */
  used(live: LiveTarget): void {
    if (this.#stopped || !this.#isDue(live)) return;
    const { clock } = this.#context;
    live.touched = clock.now();
    this.#used.add(live.key);
    this.#gathering ??= clock.setTimeout(() => void this.flush().catch(this.#context.report), GATHER);
  }

  /**
   * Whether a topic may be on its way out while somebody subscribes to it: then that is written down first (`hold`),
   * for another node may be about to remove it (LT6). A session's only client is subscribed on one node, its own.
   */
  mustHold(live: LiveTarget): boolean {
    return live.slice.kind === "topic" && !live.engine!.state.removed && this.#isDue(live);
  }
  /** Writes down that it is in use. Whether it still is what it was is for a later look at the log to say. */
  async hold(live: LiveTarget): Promise<void> {
    const now = this.#context.clock.now();
    await this.#context.log.touch([live.key], now);
    live.touched = now;
  }

  #isDue(live: LiveTarget): boolean {
    const state = live.engine?.state;
    const lifetime = this.#lifetimeOf(live.slice);
    if (lifetime === undefined || state === undefined || state.sequence === 0) return false;
    return this.#context.clock.now() - Math.max(live.touched, state.at) >= lifetime / SHARE;
  }
  #lifetimeOf(slice: Slice): number | undefined {
    if (slice.kind === "session") return this.#context.limits.sessionLifetime;
    return slice.kind === "topic" ? (slice as TopicSlice).lifetime : undefined;
  }

  /** Writes down which sessions are in use. */
  async flush(): Promise<void> {
    this.#gathering?.();
    this.#gathering = undefined;
    const used = [...this.#used];
    this.#used.clear();
    if (used.length === 0) return;
    try {
      await this.#context.log.touch(used, this.#context.clock.now());
    } catch (error) {
      // Before anything goes it is tried again (LT1).
      for (const key of used) this.#used.add(key);
      throw error;
    }
  }

  /** What is in use is written down, then what is too old goes, step by step. */
  async sweep(): Promise<void> {
    for (const live of this.#registry.all()) if (!live.audience.empty) this.used(live);
    await this.flush();
    const { clock, limits, log } = this.#context;
    const ahead = aheadOf(clock);
    const wasSet = Math.abs(ahead - this.#ahead) > SET;
    this.#ahead = ahead;
    // It may be set back, and what goes does not come back.
    if (wasSet) return;
    for (;;) {
      const now = clock.now();
      const identities = now - limits.identityLifetime - CLOCK_SKEW;
      const expired = await log.expire({
        at: now,
        sessions: now - limits.sessionLifetime,
        rows: identities,
        tombstones: identities,
        consumers: now - limits.consumerLifetime,
        limit: STEP.limit,
      });
      if (this.#stopped) return;
      this.#tell(expired);
      const { sessions, tombstones, consumers, rows } = expired;
      const [gone, buried] = [sessions.length, tombstones.length];
      this.#count({ sessions: gone, tombstones: buried, rows });
      if (Math.max(gone, buried, consumers.length, rows) < STEP.limit) break;
      if (!(await this.#paused())) return;
    }
    for (const slice of this.#context.wiring.topics)
      if (slice.kind === "topic" && slice.lifetime !== undefined && !this.#stopped)
        await this.#sweepTopics(slice, slice.lifetime);
  }

  /** What nobody has used for a topic's lifetime goes like what the app removes, step by step (LT6). */
  async #sweepTopics({ pattern }: TopicSlice, lifetime: number): Promise<void> {
    const { clock, log } = this.#context;
    let next: string | undefined;
    do {
      const page = await log.list(prefixOf(pattern), next, STEP.limit);
      // A clock that is an hour ahead removes nothing that is in use.
      const before = clock.now() - lifetime - HOUR;
      const idle = page.targets.filter(
        ({ target, used, removed }) =>
          !removed &&
          used < before &&
          matchTopic(pattern, target) !== undefined &&
          !this.#isSubscribed(target),
      );
      const gone: TargetKey[] = [];
      for (const { target } of idle) {
        if (this.#stopped) return;
        // Compared again: somebody may have come since the page was read.
        if (await log.remove(target, clock.now(), before)) gone.push(target);
      }
      this.#lookAt(gone);
      if (gone.length > 0) this.#grown();
      this.#count({ topics: gone.length });
      next = page.next;
    } while (next !== undefined && (await this.#paused()));
  }
  #isSubscribed(target: TargetKey): boolean {
    return this.#registry.get(target)?.audience.empty === false;
  }

  /** False: the server has been stopped meanwhile. */
  async #paused(): Promise<boolean> {
    await new Promise<void>((go) => this.#context.clock.setTimeout(go, STEP.pause));
    return !this.#stopped;
  }

  #count(gone: { readonly [kind in "sessions" | "tombstones" | "rows" | "topics"]?: number }): void {
    const { sessions = 0, tombstones = 0, rows = 0, topics = 0 } = gone;
    if (sessions + tombstones + rows + topics > 0)
      this.#context.observe?.({ type: "expired", sessions, tombstones, rows, topics });
  }

  stop(): void {
    this.#stopped = true;
    this.#sweeping?.();
    this.#gathering?.();
  }

  /** Who still holds what has gone finds out by its cursor: here by a look, elsewhere by the doorbell (TE11). */
  #tell({ sessions, tombstones, consumers }: Expired): void {
    const { report } = this.#context;
    this.#lookAt([...sessions, ...tombstones]);
    for (const name of consumers) {
      report(
        new CallaError(
          "storage",
          { consumer: name },
          `The consumer "${name}" has not run for ${this.#context.limits.consumerLifetime} ms; nothing is kept for it any more. Call server.dropConsumer() when a consumer is no longer needed.`,
        ),
      );
    }
  }

  #lookAt(keys: readonly TargetKey[]): void {
    for (const key of keys) {
      const live = this.#registry.get(key);
      if (live?.engine !== undefined) void this.#commitLoop.look(live);
      ring(this.#context, key);
    }
  }

  #interval(): number {
    const { sessionLifetime, identityLifetime, consumerLifetime } = this.#context.limits;
    const topics = this.#context.wiring.topics.map((slice) =>
      slice.kind === "topic" ? (slice.lifetime ?? Infinity) : Infinity,
    );
    return Math.min(HOUR, Math.min(sessionLifetime, identityLifetime, consumerLifetime, ...topics) / SHARE);
  }

  #sweepIn(milliseconds: number): void {
    this.#sweeping = this.#context.clock.setTimeout(() => {
      void this.sweep()
        .catch((cause: unknown) =>
          this.#context.report(storageError("expire", cause, "What is too old goes later.")),
        )
        .finally(() => {
          if (!this.#stopped) this.#sweepIn(this.#interval());
        });
    }, milliseconds);
  }
}

const aheadOf = (clock: SteadyClock): number => clock.now() - clock.monotonic();
