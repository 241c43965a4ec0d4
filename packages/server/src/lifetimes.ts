// What is too old goes: sessions that nobody uses, client rows and keys whose identities are over, tombstones, and the
// places of followers that never came back. The log keeps the ages; here is what counts as old, and when to look.
import { CallaError, isSession } from "@calla/shared";
import type { Cancel, TargetKey } from "@calla/shared";
import type { Core } from "./core.ts";
import { ring } from "./doorbell.ts";
import type { LiveTarget } from "./live-target.ts";
import type { Expired } from "./log.ts";
import type { TargetRegistry } from "./target-registry.ts";
import type { Turns } from "./turns.ts";

/** Nodes' clocks may differ by as much: what an identity needs stays so much longer than the identity. */
const CLOCK_SKEW = 3_600_000;
/** An eighth of a lifetime is how exactly it is kept, and how often what is in use is written down. */
const SHARE = 8;
/** However long lifetimes are, and soon after the start: a server that is restarted daily cleans up too. */
const SOON = 60_000;
const HOUR = 3_600_000;
/** Touches of so many milliseconds are one write. */
const GATHER = 1_000;
/** What one step takes of each kind, and the pause after it: others want the log too. */
const STEP = { limit: 1_000, pause: 100 };

export class Lifetimes {
  readonly #core: Core;
  readonly #registry: TargetRegistry;
  readonly #turns: Turns;
  #used = new Set<TargetKey>();
  #gathering: Cancel | undefined;
  #sweeping: Cancel | undefined;
  #stopped = false;

  constructor(core: Core, registry: TargetRegistry, turns: Turns) {
    this.#core = core;
    this.#registry = registry;
    this.#turns = turns;
  }

  start(): void {
    this.#sweepIn(Math.min(SOON, this.#interval()));
  }

  /** Somebody follows it. Written down only where the log would soon think otherwise. */
  used(live: LiveTarget): void {
    const { clock, limits } = this.#core;
    const state = live.engine?.state;
    if (this.#stopped || !isSession(live.key) || state === undefined || state.sequence === 0) return;
    const now = clock.now();
    if (now - Math.max(live.touched, state.at) < limits.sessionLifetime / SHARE) return;
    live.touched = now;
    this.#used.add(live.key);
    this.#gathering ??= clock.setTimeout(() => void this.flush().catch(this.#core.report), GATHER);
  }

  /** Writes down which sessions are in use. */
  async flush(): Promise<void> {
    this.#gathering?.();
    this.#gathering = undefined;
    const used = [...this.#used];
    this.#used.clear();
    if (used.length === 0) return;
    try {
      await this.#core.log.touch(used, this.#core.clock.now());
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
    const { clock, limits, log } = this.#core;
    for (;;) {
      const now = clock.now();
      const identities = now - limits.identityLifetime - CLOCK_SKEW;
      const expired = await log.expire({
        at: now,
        sessions: now - limits.sessionLifetime,
        rows: identities,
        tombstones: identities,
        readers: now - limits.followerLifetime,
        limit: STEP.limit,
      });
      if (this.#stopped) return;
      this.#tell(expired);
      const { sessions, tombstones, readers, rows } = expired;
      if (Math.max(sessions.length, tombstones.length, readers.length, rows) < STEP.limit) return;
      await new Promise<void>((go) => clock.setTimeout(go, STEP.pause));
      if (this.#stopped) return;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#sweeping?.();
    this.#gathering?.();
  }

  /** Who still holds what has gone finds out by its cursor: here by a look, elsewhere by the doorbell (TE11). */
  #tell({ sessions, tombstones, readers }: Expired): void {
    const { report } = this.#core;
    for (const key of [...sessions, ...tombstones]) {
      const live = this.#registry.get(key);
      if (live?.engine !== undefined) void this.#turns.look(live);
      ring(this.#core, key);
    }
    for (const name of readers) {
      report(
        new CallaError(
          "storage",
          { follower: name },
          `The follower "${name}" has not run for ${this.#core.limits.followerLifetime} ms; nothing is kept for it any more. Call unfollow() when a follower goes for good.`,
        ),
      );
    }
  }

  #interval(): number {
    const { sessionLifetime, identityLifetime, followerLifetime } = this.#core.limits;
    return Math.min(HOUR, Math.min(sessionLifetime, identityLifetime, followerLifetime) / SHARE);
  }

  #sweepIn(milliseconds: number): void {
    this.#sweeping = this.#core.clock.setTimeout(() => {
      void this.sweep()
        .catch((cause: unknown) => this.#core.report(new CallaError("storage", { method: "expire", cause })))
        .finally(() => {
          if (!this.#stopped) this.#sweepIn(this.#interval());
        });
    }, milliseconds);
  }
}
