// Whether what this node follows is still what the log has, though no ring came: each subscribed target has its turn once
// in `maxStaleness`, and a log that can is asked about all that are due in one call (SV6, SV19). That it fails is told once
// (SV23). Not here: whose turn it is (cluster/poll-schedule.ts), what a look at one target comes to (target/commit-loop.ts).
import { hashString, ORIGIN } from "@calla/shared";
import type { Cursor, TargetKey } from "@calla/shared";
import { StorageOutage } from "../base/storage-outage.ts";
import { PollSchedule } from "../cluster/poll-schedule.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { CommitLoop } from "../target/commit-loop.ts";
import type { LiveTarget } from "../target/live-target.ts";
import type { TargetRegistry } from "../target/target-registry.ts";
import type { AwaitedTopics } from "./awaited-topics.ts";

/** The log is asked about so many in one call: more would hold up what else it is asked for. */
const MOST_PLACES = 1_024;
/** Awaited topics that are due in one tick: of a log that is asked for each of them, and of one that is asked for all. */
const MOST_AWAITED = { alone: 64, together: MOST_PLACES };

/** Looks that are asked for in one turn: up to so many are read at once, which brings what was missed along. */
const FEW_LOOKS = 4;

interface Look {
  readonly live: LiveTarget;
  readonly looked: (looked: boolean | Promise<boolean>) => void;
}

export class HeadWatch {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #commitLoop: CommitLoop;
  readonly #awaitedTopics: AwaitedTopics;
  readonly #schedule: PollSchedule<LiveTarget>;
  readonly #outage: StorageOutage;
  /** Due, and not asked about yet. */
  readonly #due = new Set<LiveTarget>();
  readonly #awaited = new Set<TargetKey>();
  /** Who asked in this turn. */
  #looks: Look[] = [];
  /** Since when the log has been asked; undefined: it is not being asked. */
  #asking: number | undefined;

  constructor(
    context: ServerContext,
    registry: TargetRegistry,
    commitLoop: CommitLoop,
    awaitedTopics: AwaitedTopics,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#commitLoop = commitLoop;
    this.#awaitedTopics = awaitedTopics;
    this.#schedule = new PollSchedule(hashString(context.node));
    const { clock } = context;
    this.#outage = new StorageOutage({
      clock,
      report: (error) => context.report(error),
      method: "moved",
      meaning: "It is asked again all the time; until it answers, what other nodes write may come late.",
    });
  }

  /** One tick: a share of all is looked at. */
  tick(): void {
    const due = this.#schedule.due(this.#registry.subscribed());
    const { log, clock, limits } = this.#context;
    if (log.moved === undefined) {
      for (const live of due) void this.#commitLoop.look(live);
      for (const key of this.#awaitedTopics.due(MOST_AWAITED.alone)) this.#awaitedTopics.look(key);
      return;
    }
    for (const live of due) this.#due.add(live);
    for (const key of this.#awaitedTopics.due(MOST_AWAITED.together)) this.#awaited.add(key);
    // What a log never answers must not be waited for for ever.
    const now = clock.monotonic();
    if (this.#asking !== undefined && now - this.#asking < limits.maxStaleness) return;
    this.#asking = now;
    void this.#ask(now);
  }

  /**
   * Looks at one target for somebody: resolves once what the log has that moment, or later, is folded; with false if it
   * cannot be read. Many that are asked for in one turn, as after a restart, are asked about together.
   */
  look(live: LiveTarget): Promise<boolean> {
    if (this.#context.log.moved === undefined) return this.#commitLoop.look(live);
    return new Promise((looked) => {
      this.#looks.push({ live, looked });
      if (this.#looks.length === 1) this.#context.clock.defer(() => this.#lookNow());
    });
  }

  /** Looks, and knows then of which history it is, where the storage was replaced. */
  async sure(live: LiveTarget): Promise<boolean> {
    const { unsure } = live;
    const looked = await this.look(live);
    // Unless it was replaced once more meanwhile.
    if (looked && live.unsure === unsure) live.unsure = undefined;
    return looked;
  }

  /**
   * The storage was replaced: until it was looked at, nobody is shown what memory has beside what is read now. Some at a time,
   * for all nodes do this at once, and what has moved is read (SV24).
   */
  async replaced(lives: readonly LiveTarget[]): Promise<void> {
    for (const live of lives) live.unsure = {};
    for (let from = 0; from < lives.length; from += MOST_PLACES) {
      const some = lives.slice(from, from + MOST_PLACES).filter(({ closed }) => !closed);
      await Promise.all(some.map((live) => this.sure(live)));
    }
  }

  #lookNow(): void {
    const looks = this.#looks;
    this.#looks = [];
    const lives = new Map(looks.map(({ live }) => [live.key, live]));
    if (lives.size <= FEW_LOOKS || this.#commitLoop.stopped) {
      for (const { live, looked } of looks) looked(this.#commitLoop.look(live));
      return;
    }
    for (let from = 0; from < looks.length; from += MOST_PLACES)
      void this.#lookAt(looks.slice(from, from + MOST_PLACES));
  }

  async #lookAt(looks: readonly Look[]): Promise<void> {
    const resting = new Map<TargetKey, LiveTarget>();
    for (const { live } of looks)
      if (live.engine?.ready === true && !live.closed) resting.set(live.key, live);
    let moved: ReadonlySet<TargetKey> | undefined;
    try {
      const places = Array.from(resting, ([key, live]): readonly [TargetKey, Cursor] => [key, placeOf(live)]);
      moved = new Set(await this.#moved(places));
    } catch {
      // It was told.
    }
    for (const { live, looked } of looks) {
      const isStill = moved?.has(live.key) === false && resting.get(live.key) === live;
      if (moved === undefined) looked(false);
      else looked(isStill ? !live.closed && !this.#commitLoop.stopped : this.#commitLoop.look(live));
    }
  }

  async #ask(since: number): Promise<void> {
    while (this.#asking === since && this.#due.size + this.#awaited.size > 0 && !this.#commitLoop.stopped) {
      const [lives, keys] = this.#page();
      const places = [...lives].map(([key, live]): readonly [TargetKey, Cursor] => [key, placeOf(live)]);
      for (const key of keys) places.push([key, ORIGIN]);
      if (places.length === 0) continue;
      try {
        for (const key of await this.#moved(places)) {
          const live = lives.get(key);
          if (live?.closed === false) void this.#commitLoop.look(live);
          if (keys.has(key)) this.#awaitedTopics.look(key);
        }
      } catch {
        // It was told. With the next tick, for their turn has come.
        for (const live of lives.values()) this.#due.add(live);
        for (const key of keys) this.#awaited.add(key);
        break;
      }
    }
    if (this.#asking === since) this.#asking = undefined;
  }

  #moved(places: readonly (readonly [TargetKey, Cursor])[]): Promise<readonly TargetKey[]> {
    return this.#outage.watch(() => this.#context.log.moved!(places));
  }

  /** Takes out what is asked about next. */
  #page(): readonly [lives: ReadonlyMap<TargetKey, LiveTarget>, keys: ReadonlySet<TargetKey>] {
    const lives = new Map<TargetKey, LiveTarget>();
    const keys = new Set<TargetKey>();
    for (const live of this.#due) {
      if (lives.size >= MOST_PLACES) break;
      this.#due.delete(live);
      if (!live.closed) lives.set(live.key, live);
    }
    for (const key of this.#awaited) {
      if (lives.size + keys.size >= MOST_PLACES) break;
      this.#awaited.delete(key);
      if (!lives.has(key)) keys.add(key);
    }
    return [lives, keys];
  }
}

const placeOf = ({ engine }: LiveTarget): Cursor => {
  const { sequence, mark } = engine!.state;
  return { sequence, mark };
};
