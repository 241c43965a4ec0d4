// Carries out what target engines ask for. Once per turn it decides what was offered and appends it in one go, gives
// the result back to the engines, and hands what they answer to clients, hooks and other nodes. A turn ends at its
// budget, and no more appends are under way than a log needs to be busy; the rest waits, in order (LM23).
import { CallaError } from "@calla/shared";
import type { Cancel, Cursor } from "@calla/shared";
import { Budget } from "../base/budget.ts";
import { storageError } from "../base/storage-outage.ts";
import { Conversation } from "../connection/conversation.ts";
import type { Intake } from "../connection/intake.ts";
import type { ServerContext } from "../context/server-context.ts";
import { ring } from "../cluster/node-messages.ts";
import type { Digest } from "../cluster/node-messages.ts";
import type { RungRecords } from "../cluster/rung-records.ts";
import type { KnownRow, LiveTarget, Reply } from "./live-target.ts";
import { pageOf } from "../base/limits.ts";
import { sendOutcome } from "./send-outcome.ts";
import type { Append, AppendResult, LogRecord } from "../log/log.ts";
import { newerVersion, openState } from "./open-target.ts";
import type { TargetRegistry } from "./target-registry.ts";
import type { Intent } from "../app/intent.ts";
import type { Effect } from "./effects.ts";
import type { TargetEngine } from "./target-engine.ts";

/** What happens to targets goes up by these calls: subscriptions, consumers of the log and the app's hooks lie above them. */
export interface CommitLoopEvents {
  /** The log has grown. */
  grown(): void;
  /** There is something of this target, and there was nothing. */
  begun(live: LiveTarget): void;
  /** Subscribers must be given a snapshot, in place of what they have. */
  resnapshot(live: LiveTarget, reason: string): void;
  /** This node cannot fold what the log holds: its subscribers must go elsewhere. */
  unfit(live: LiveTarget): void;
  /** A message was accepted here. Runs the hooks. */
  accepted(live: LiveTarget, reply: Reply, record: LogRecord, model: unknown): void;
}

/** Appends under way, of one turn each: while one is written, others are prepared. */
const MOST_FLIGHTS = 4;
/** Milliseconds after which one counts no more: a log that does not answer must not hold up what it was not asked for. */
const LATE = 250;

const RETRY_READ = { first: 50, most: 5_000 };

type Engine = TargetEngine<Reply>;

export class CommitLoop {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  /** Takes more of clients once what was offered is decided, and `busy` is over. */
  readonly #intake: Pick<Intake, "free">;
  readonly #events: CommitLoopEvents;
  /** Has something to be decided; in order. */
  #due: LiveTarget[] = [];
  /** The next turn is coming. */
  #coming = false;
  /** The last turn has left something. */
  #left = false;
  /** Targets that have more waiting behind their append than a turn takes, and what ends the wait for it. */
  readonly #crowded = new Map<LiveTarget, Cancel>();
  #timers = new Set<Cancel>();
  #appending = 0;
  /** When those began that are under way and not late. */
  readonly #flights = new Set<{ readonly since: number }>();
  /** Ends the wait for one of them to be late. */
  #late: Cancel | undefined;
  readonly #budget: Budget;
  /** Clients' messages are not taken any more: the server is stopping. */
  #draining = false;
  #stopped = false;

  constructor(
    context: ServerContext,
    registry: TargetRegistry,
    intake: Pick<Intake, "free">,
    events: CommitLoopEvents,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#intake = intake;
    this.#events = events;
    const { turnTime, maxTurnMessages } = context.limits;
    this.#budget = new Budget(() => context.clock.monotonic(), turnTime, maxTurnMessages);
  }

  /** More has been offered than is decided in a turn: the intake takes nothing more of clients meanwhile. */
  get busy(): boolean {
    return this.#left || this.#crowded.size > 0;
  }

  /** Hands an intent to its target, once that is open. */
  offer(live: LiveTarget, intent: Intent<Reply>): void {
    const { reply, mid: from } = intent;
    const client = intent.author !== null;
    if (this.#stopped || (this.#draining && client))
      return sendOutcome(reply, live, { type: "pause", reply, from, code: "draining" });
    if (live.closed) {
      // It was closed while this was on its way: nobody would hear of a decision on it.
      const again = this.#registry.open(live.key, live.slice, live.params);
      if (again !== undefined) return this.offer(again, intent);
      return sendOutcome(reply, live, { type: "pause", reply, from, code: "busy" });
    }
    if (live.ending !== undefined) {
      if (client) return sendOutcome(reply, live, { type: "pause", reply, from, code: "draining" });
      live.ended.push(() => this.offer(live, intent));
      return;
    }
    if (live.engine === undefined) {
      if (client && live.opening.length >= this.#context.limits.maxQueued)
        return sendOutcome(reply, live, { type: "pause", reply, from, code: "busy" });
      live.opening.push((engine) => {
        if (engine === undefined)
          sendOutcome(reply, live, { type: "pause", reply, from, code: live.failure });
        else this.offer(live, intent);
      });
      return;
    }
    this.run(live, live.engine.offer(intent));
    if (!live.due && live.engine.queued >= this.#context.limits.maxTurnMessages) this.#crowd(live);
    this.schedule(live);
  }

  /** Decides what a target was offered, at the end of this turn. */
  schedule(live: LiveTarget): void {
    if (live.due || this.#stopped || live.engine!.queued === 0) return;
    live.due = true;
    this.#due.push(live);
    this.#come();
  }

  /** The next turn comes, unless as many appends are under way as there should be: then once one has landed, or is late. */
  #come(): void {
    if (this.#coming || this.#due.length === 0 || this.#stopped) return;
    const [oldest] = this.#flights;
    if (this.#flights.size >= MOST_FLIGHTS) {
      this.#left = true;
      this.#late ??= this.#context.clock.setTimeout(
        () => {
          this.#late = undefined;
          this.#flights.delete(oldest!);
          this.#come();
        },
        Math.max(oldest!.since + LATE - this.#context.clock.monotonic(), 0),
      );
      return;
    }
    this.#coming = true;
    this.#context.clock.defer(() => this.#turn());
  }

  #crowd(live: LiveTarget): void {
    if (this.#crowded.has(live)) return;
    this.#crowded.set(
      live,
      this.#context.clock.setTimeout(() => this.#uncrowd(live), LATE),
    );
  }
  #uncrowd(live: LiveTarget): void {
    const cancel = this.#crowded.get(live);
    if (cancel === undefined) return;
    cancel();
    this.#crowded.delete(live);
    if (!this.busy) this.#intake.free();
  }

  /** Looks whether the log has moved; resolves once what was found is folded, with false if it could not be read. */
  look(live: LiveTarget): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      live.looking.push(resolve);
      this.run(live, live.engine!.look());
      // Otherwise a flight or a read is under way: its landing looks again for us.
    });
  }

  /** Another node has appended. What came along is folded where it continues what is here; otherwise the log is read. */
  rang(live: LiveTarget, grown: RungRecords | undefined): void {
    const engine = live.engine!;
    // Where the storage was replaced, the log alone says what there is.
    const effects = grown && live.unsure === undefined && !this.#stopped ? engine.rung(grown) : undefined;
    if (effects === undefined) return void this.look(live);
    this.run(live, effects);
    if (effects.length > 0) this.#looked(live, engine, []);
  }

  /** Folds a target anew whose model another node does not have; false: not now. */
  refold(live: LiveTarget, doubted: Digest): boolean {
    if (live.engine?.doubt() !== true) return false;
    void this.#reopen(live, "diverged", doubted);
    return true;
  }

  /** The client's row and the state it belongs to, which may have moved on by then; undefined: it cannot be read. */
  row(live: LiveTarget, clientId: string): Promise<KnownRow | undefined> {
    const engine = live.engine!;
    const row = engine.row(clientId);
    if (row !== undefined) return Promise.resolve({ row, state: engine.state });
    return new Promise((resolve) => {
      const waiting = live.rows.get(clientId);
      if (waiting === undefined) live.rows.set(clientId, [resolve]);
      else waiting.push(resolve);
      this.run(live, engine.needRow(clientId));
    });
  }

  /** Resolves once nothing of this target is queued, under way or in doubt. */
  async idle(live: LiveTarget): Promise<void> {
    while (live.engine?.quiet === false && !this.#stopped && !live.closed) await this.#nextTurn();
  }
  /** Takes nothing more of clients, and resolves once what was taken has landed, the hooks' own dispatches included. */
  async landed(): Promise<void> {
    this.#draining = true;
    do await this.#nextTurn();
    while (!this.#stopped && (this.#appending > 0 || this.#due.length > 0));
  }
  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#context.clock.setTimeout(resolve, 1));
  }

  get stopped(): boolean {
    return this.#stopped;
  }
  /** Nothing is decided or read any more. Whoever still waits for something hears so. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of [...this.#timers, ...this.#crowded.values()]) cancel();
    this.#timers.clear();
    this.#crowded.clear();
    this.#late?.();
    for (const live of this.#registry.all()) {
      for (const { reply, mid } of live.engine?.abandon() ?? [])
        sendOutcome(reply, live, { type: "pause", reply, from: mid, code: "draining" });
      for (const looked of live.looking.splice(0)) looked(false);
    }
  }

  #turn(): void {
    this.#coming = false;
    if (this.#stopped) return;
    const due = this.#due;
    this.#due = [];
    const now = this.#context.clock.now();
    const flying: LiveTarget[] = [];
    const appends: Append[] = [];
    this.#budget.begin();
    const spent = (): boolean => this.#budget.spend();
    let taken = 0;
    while (taken < due.length && (taken === 0 || !this.#budget.spent)) {
      const live = due[taken++]!;
      live.due = false;
      this.run(
        live,
        live.engine!.take(now, spent).filter((effect) => {
          if (effect.type !== "append") return true;
          flying.push(live);
          appends.push(effect.append);
          return false;
        }),
      );
      // The rest of a batch waits for its append; where there was none, for the next turn.
      if (live.engine!.queued === 0) this.#uncrowd(live);
      else if (live.engine!.ready) this.schedule(live);
      else this.#crowd(live);
    }
    const before = this.busy;
    this.#left = taken < due.length;
    if (this.#left) this.#due = [...due.slice(taken), ...this.#due];
    if (appends.length > 0) void this.#append(flying, appends);
    this.#come();
    if (before && !this.busy) this.#intake.free();
  }

  /** One append for all targets of the turn (group commit). */
  async #append(flying: readonly LiveTarget[], appends: readonly Append[]): Promise<void> {
    this.#appending++;
    const flight = { since: this.#context.clock.monotonic() };
    this.#flights.add(flight);
    const began = this.#context.observe === undefined ? 0 : this.#context.clock.monotonic();
    let failed = false;
    let results: readonly (AppendResult | null | undefined)[] = [];
    try {
      const answer: unknown = await this.#context.log.append(appends);
      if (Array.isArray(answer)) results = answer; // anything else tells nothing: to be looked up
    } catch (error) {
      failed = true;
      this.#context.report(storageError("append", error));
    }
    if (this.#context.observe !== undefined) this.#observeAppend(flying, appends, results, failed, began);
    if (this.#stopped) return; // the server gave up waiting: what became of it is in the log
    flying.forEach((live, i) => {
      const engine = live.engine!;
      const result = results[i];
      if (result?.status === "appended" || result?.status === "conflict") live.lost = 0;
      if (result?.status === "appended") {
        const moved = appends[i]!.records.length > 0;
        if (moved) live.bytesSinceSnapshot += result.bytes ?? 0;
        if (moved && appends[i]!.expected.sequence === 0)
          this.#context.observe?.({ type: "created", target: live.key, slice: live.slice.name });
        // First those who are further away.
        const { expected: after, records } = appends[i]!;
        if (moved) ring(this.#context, live.key, { after, records }, result.bytes);
        this.run(live, engine.appended());
      } else if (result?.status === "conflict") this.run(live, engine.conflicted(result.missed));
      else {
        if (result?.status === "unknown") this.#context.report(storageError("append", result.error));
        this.#lookUp(live, engine.lost());
      }
    });
    this.#appending--;
    this.#flights.delete(flight);
    const grown = results.some(
      (result, i) => result?.status === "appended" && appends[i]!.records.length > 0,
    );
    if (grown) this.#events.grown();
    for (const live of flying) this.#settled(live);
    this.#come();
  }

  #observeAppend(
    flying: readonly LiveTarget[],
    appends: readonly Append[],
    results: readonly (AppendResult | null | undefined)[],
    failed: boolean,
    began: number,
  ): void {
    const taken = (_: unknown, i: number): boolean => results[i]?.status === "appended";
    this.#context.observe?.({
      type: "appended",
      targets: appends.length,
      records: appends.filter(taken).reduce((sum, { records }) => sum + records.length, 0),
      conflicts: results.filter((result) => result?.status === "conflict").length,
      failed,
      queued: flying.reduce((sum, { engine }) => sum + (engine?.queued ?? 0), 0),
      took: this.#context.clock.monotonic() - began,
    });
  }

  /** What an append that threw has left. A log that can be read and not written to is given time before the next try. */
  #lookUp(live: LiveTarget, effects: readonly Effect<Reply>[]): void {
    const before = live.lost++;
    if (before === 0) return this.run(live, effects);
    this.run(live, live.engine!.stalled());
    this.#later(before - 1, () => this.run(live, effects));
  }

  /** A flight has landed or a read was folded: whatever waited goes on. */
  #settled(live: LiveTarget): void {
    this.schedule(live);
    const engine = live.engine!;
    if (engine.ready && live.looking.length > 0) this.run(live, engine.look());
    const { snapshotEvery, snapshotEveryBytes } = this.#context.limits;
    const due = live.sinceSnapshot >= snapshotEvery || live.bytesSinceSnapshot >= snapshotEveryBytes;
    // The state is durable whatever is under way, so a busy target need not come to rest for it.
    if (due) void this.#registry.saveSnapshot(live);
    this.#registry.unused(live);
  }

  /** Carries effects out. One that fails, say at a value that no wire carries, does not take the others along. */
  run(live: LiveTarget, effects: readonly Effect<Reply>[]): void {
    if (this.#stopped) return;
    for (const effect of effects) {
      try {
        this.#carryOut(live, effect);
      } catch (error) {
        this.#context.report(error);
      }
    }
  }

  #carryOut(live: LiveTarget, effect: Effect<Reply>): void {
    switch (effect.type) {
      case "load-row":
        return void this.#loadRow(live, effect.clientId);
      case "read":
        return void this.#read(live, effect.after, effect.retry);
      case "reopen":
        return void this.#reopen(live, effect.reason);
      case "newer":
        return this.#leave(live, newerVersion(live.key, live.slice, effect.version));
      case "update":
        live.announce(effect.after, effect.records);
        if (effect.after.sequence === 0) this.#events.begun(live);
        return;
      case "snapshot":
        live.sinceSnapshot++;
        return this.#events.resnapshot(live, effect.reason);
      case "accepted": {
        const { intent, record, model, amended } = effect;
        const { reply } = intent;
        if (!(reply instanceof Conversation)) reply.settle(record.sequence);
        else if (!live.audience.has(reply)) {
          const { mid, id } = intent;
          const { sequence, messages } = record;
          const taken = amended ? { messages } : {};
          reply.send({ type: "Acknowledge", target: live.wire, mid, id, sequence, ...taken });
        }
        return this.#events.accepted(live, reply, record, model);
      }
      case "report":
        return this.#context.report(effect.error);
      case "append":
        throw new Error("an append outside of a turn"); // take() alone makes them
      default:
        if (effect.type === "pause" && effect.reply instanceof Conversation) {
          const { code, reply } = effect;
          this.#context.observe?.({ type: "paused", code, clientId: reply.clientId, target: live.key });
        }
        if (effect.type === "rejected") this.#recordRefusal(live, effect.reply, effect.code, effect.details);
        return sendOutcome(effect.reply, live, effect);
    }
  }

  #recordRefusal(live: LiveTarget, reply: Reply, code: string, details: unknown): void {
    const who = reply instanceof Conversation ? reply : undefined;
    this.#context.refused({
      code,
      clientId: who?.clientId,
      userId: who?.userId ?? null,
      target: live.key,
      details,
    });
  }

  async #loadRow(live: LiveTarget, clientId: string): Promise<void> {
    const engine = live.engine!;
    try {
      const row = await this.#context.log.client(live.key, clientId);
      this.run(live, engine.rowLoaded(clientId, row));
      if (engine.row(clientId) === undefined && !live.closed) return; // being read again
    } catch (error) {
      this.#context.report(storageError("client", error));
      this.run(live, engine.rowFailed(clientId));
    }
    const row = engine.row(clientId);
    const known = row && { row, state: engine.state };
    const waiting = live.rows.get(clientId) ?? [];
    live.rows.delete(clientId);
    for (const go of waiting) go(known);
    this.schedule(live);
  }

  /** `waiting` asked before this read began; whoever asks later needs a later read (TE13). */
  async #read(
    live: LiveTarget,
    after: Cursor,
    retry: boolean,
    attempt = 0,
    waiting = live.looking.splice(0),
  ): Promise<void> {
    const engine = live.engine!;
    const limit = pageOf(this.#context.limits);
    try {
      const result = await this.#context.log.read(live.key, after, limit);
      this.run(live, engine.missed(result, limit));
    } catch (error) {
      this.#context.report(storageError("read", error));
      if (retry) {
        if (attempt === 0) this.run(live, engine.stalled());
        this.#later(attempt, () => void this.#read(live, after, retry, attempt + 1));
      } else engine.readFailed();
      for (const looked of waiting) looked(false);
      // Who asked, or was offered, during the read that failed waits for another one.
      if (engine.ready) this.#looked(live, engine, []);
      return;
    }
    this.#looked(live, engine, waiting);
  }

  async #reopen(live: LiveTarget, reason: string, doubted?: Digest, attempt = 0): Promise<void> {
    const engine = live.engine!;
    try {
      this.run(live, engine.reset(await openState(this.#context, live.key, live.slice, doubted), reason));
    } catch (error) {
      if (error instanceof CallaError && error.code === "version") return this.#leave(live, error);
      this.#context.report(storageError("open", error));
      if (attempt === 0) this.run(live, engine.stalled());
      this.#later(attempt, () => void this.#reopen(live, reason, doubted, attempt + 1));
      return;
    }
    this.#looked(live, engine, []);
  }

  /** The log has what this node has no updates for (VE4). Nothing is decided on it, and nobody is told otherwise. */
  #leave(live: LiveTarget, error: unknown): void {
    this.#registry.failed(live, error);
    for (const { reply, mid } of live.engine!.abandon())
      sendOutcome(reply, live, { type: "pause", reply, from: mid, code: live.failure });
    for (const looked of live.looking.splice(0)) looked(false);
    this.#events.unfit(live);
    this.#registry.drop(live);
  }

  #looked(live: LiveTarget, engine: Engine, waiting: readonly ((looked: boolean) => void)[]): void {
    if (live.closed) {
      for (const looked of waiting) looked(false);
      return;
    }
    if (!engine.ready) {
      live.looking.push(...waiting);
      return;
    }
    for (const looked of waiting) looked(true);
    if (live.looking.length > 0) this.run(live, engine.look());
    this.schedule(live);
  }

  #later(attempt: number, again: () => void): void {
    if (this.#stopped) return;
    const cancel = this.#context.clock.setTimeout(
      () => {
        this.#timers.delete(cancel);
        again();
      },
      Math.min(RETRY_READ.first * 2 ** attempt, RETRY_READ.most),
    );
    this.#timers.add(cancel);
  }
}
