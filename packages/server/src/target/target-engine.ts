// One target: its model, its head, its client rows. Two-phase and pure: `take` decides what was offered (batch.ts) and
// gives an append; `appended`, `conflicted` or `lost` takes the append's result and gives frames and outcomes. It holds
// no socket, no timer and no storage; the commit loop carries the effects out. Not here: subscribers (audience.ts), who
// may subscribe (access.ts), ephemeral topics (ephemeral-topic.ts).
import type { Cursor, ModelSlice, TargetKey } from "@calla/shared";
import { Batch } from "./batch.ts";
import type { BatchOptions, Flight, TargetOptions, TargetState } from "./batch.ts";
import { emptyRow, rowOf, writeOf } from "./client-row.ts";
import { pause } from "./effects.ts";
import type { Effect } from "./effects.ts";
import type { Intent } from "../app/intent.ts";
import type { ClientRow, LogRecord, ReadResult } from "../log/log.ts";
import type { RungRecords } from "../cluster/rung-records.ts";
import { chainMark, foldRecord } from "../log/record.ts";
import { Scales } from "../model/model-limits.ts";

/** `ready`: may take. `flying`: one append is under way. `reading`: head in doubt. `lost`: an append's fate is unknown. */
type EnginePhase = "ready" | "flying" | "reading" | "lost" | "reopening" | "newer";

export class TargetEngine<Reply> {
  readonly target: TargetKey;
  readonly slice: ModelSlice;
  #state: TargetState;
  #phase: EnginePhase = "ready";
  #flight: Flight<Reply> | undefined;
  #queue: Intent<Reply>[] = [];
  /** Intents whose fate the next read tells (their append threw), or that are decided anew after it. */
  #doubtful: readonly Intent<Reply>[] = [];
  /** Those of them that may be in the log, and that no row can answer for: a dispatch of the server's without a key. */
  readonly #unknown = new Set<Intent<Reply>>();
  /** As the log has them. */
  #rows = new Map<string, ClientRow>();
  /** Clients whose row is being loaded, and what waits for it. `again`: a foreign record overtook the load. */
  #loading = new Map<string, { intents: Intent<Reply>[]; again: boolean }>();
  /** A row came with outcomes of records that are not folded here, and no read has begun since. */
  #behind = false;
  /** The read that all wait for goes on failing (TE12). */
  #isStalled = false;
  /** The newest records, for subscribers that are a little behind, and the cursor they continue from. */
  #recent: LogRecord[] = [];
  #recentFrom: Cursor;
  readonly #options: BatchOptions<Reply>;

  constructor(options: TargetOptions<Reply>) {
    this.target = options.target;
    this.slice = options.slice;
    this.#state = options.state;
    this.#recentFrom = options.state;
    const { target, limits, carrier, told } = options;
    this.#options = { ...options, scales: new Scales({ target, limits, domain: carrier.domain, told }) };
  }

  /** What is durable: what subscribers are shown. */
  get state(): TargetState {
    return this.#state;
  }
  /** Nothing is under way or in doubt: it can take and look. */
  get ready(): boolean {
    return this.#phase === "ready";
  }
  /** Nothing queued, under way or in doubt. */
  get quiet(): boolean {
    return this.#phase === "ready" && this.#queue.length === 0 && this.#loading.size === 0;
  }
  /** Messages for the next append. */
  get queued(): number {
    return this.#queue.length;
  }
  get waiting(): number {
    return this.#queue.length + (this.#flight?.intents.length ?? 0) + this.#doubtful.length;
  }
  /** A client's row if it is in memory. Outcomes in it are durable. */
  row(clientId: string): ClientRow | undefined {
    return this.#rows.get(clientId);
  }
  /** Whether messages of the client wait for its row, or for what became of their append: the model may have them already. */
  isUnsureOf(clientId: string): boolean {
    return this.#loading.has(clientId) || this.#doubtful.some(({ row }) => row === clientId);
  }
  /** Records after the cursor if all of them are in memory and it is of this history. */
  recentAfter(cursor: Cursor): readonly LogRecord[] | undefined {
    const skip = cursor.sequence - this.#recentFrom.sequence;
    if (skip < 0 || skip > this.#recent.length) return undefined;
    const mark = skip === 0 ? this.#recentFrom.mark : this.#recent[skip - 1]!.mark;
    return mark === cursor.mark ? this.#recent.slice(skip) : undefined;
  }

  /** Takes an intent in. It is decided by the next `take`. */
  offer(intent: Intent<Reply>): readonly Effect<Reply>[] {
    if (intent.author !== null) {
      if (this.#phase === "lost" || this.#isStalled) return [pause(intent, "storage")];
      if (this.#queue.length >= this.#options.limits.maxQueued) return [pause(intent, "busy")];
    }
    if (intent.row === "" || this.#rows.has(intent.row)) {
      this.#queue.push(intent);
      return [];
    }
    const load = this.#loading.get(intent.row);
    if (load !== undefined) {
      if (intent.author !== null && load.intents.length >= this.#options.limits.maxQueued)
        return [pause(intent, "busy")];
      load.intents.push(intent);
      return [];
    }
    this.#loading.set(intent.row, { intents: [intent], again: false });
    return [{ type: "load-row", clientId: intent.row }];
  }

  /** Makes sure a client's row is in memory, for a subscriber that asks for its outcomes. */
  needRow(clientId: string): readonly Effect<Reply>[] {
    if (this.#rows.has(clientId) || this.#loading.has(clientId)) return [];
    this.#loading.set(clientId, { intents: [], again: false });
    return [{ type: "load-row", clientId }];
  }

  rowLoaded(clientId: string, row: ClientRow | undefined): readonly Effect<Reply>[] {
    const load = this.#loading.get(clientId);
    if (load === undefined) return [];
    if (load.again) {
      // A record of this client was folded after the read began: the row read may lack it (TE6).
      load.again = false;
      return [{ type: "load-row", clientId }];
    }
    this.#loading.delete(clientId);
    this.#forgetQuietRows();
    this.#rows.set(clientId, row ?? emptyRow(clientId));
    this.#queue.push(...load.intents);
    // Another node's records, maybe of one that died before it could ring for them: nobody else may ever say so.
    this.#behind ||= this.isBehind(row);
    return this.#catchUp();
  }

  /** Whether the row knows of records that are not folded here (TE22). */
  isBehind(row: ClientRow | undefined): boolean {
    const { sequence } = this.#state;
    return row?.outcomes.some((outcome) => "sequence" in outcome && outcome.sequence > sequence) ?? false;
  }

  #catchUp(): Effect<Reply>[] {
    if (!this.#behind || this.#phase !== "ready") return [];
    this.#behind = false;
    this.#phase = "reading";
    return [{ type: "read", after: this.#state, retry: true }];
  }

  rowFailed(clientId: string): readonly Effect<Reply>[] {
    const load = this.#loading.get(clientId);
    this.#loading.delete(clientId);
    return (load?.intents ?? []).map((intent) => pause(intent, "storage"));
  }

  /**
   * Decides what was offered so far, one at least and more until the budget is `spent`: what is left is the next batch, in
   * order. At most one append is under way; what comes meanwhile is the next batch, too.
   */
  take(now: number, spent: () => boolean = never): readonly Effect<Reply>[] {
    if (this.#phase !== "ready" || this.#queue.length === 0) return [];
    const offered = this.#queue;
    const batch = new Batch(this.#options, this.#state, this.#rows, now);
    let decided = 0;
    do batch.decide(offered[decided++]!);
    while (!spent() && decided < offered.length);
    this.#queue = decided === offered.length ? [] : offered.slice(decided);
    const { flight, effects } = batch;
    if (flight.records.length === 0 && !flight.refused) {
      this.#ignoreBehind(flight);
      effects.push(...flight.tells); // known already, and durable
      return effects;
    }
    // Refusals too: then they are of the newest model, and no other node takes what was refused here (TE10, TE19).
    this.#flight = flight;
    this.#phase = "flying";
    const { sequence, mark } = this.#state;
    const expected = { sequence, mark };
    const rows = Array.from(flight.rows.values(), writeOf);
    const { records, state } = flight;
    effects.push({ type: "append", append: { target: this.target, expected, records, rows, at: state.at } });
    return effects;
  }

  appended(): readonly Effect<Reply>[] {
    const flight = this.#flight!;
    this.#flight = undefined;
    this.#phase = "ready";
    return [...this.#land(flight), ...this.#catchUp()];
  }

  /** Another node was first, at the head or in a row. Nothing of the flight is in the log. `missed`: what is, and all of it. */
  conflicted(missed?: ReadResult): readonly Effect<Reply>[] {
    this.#inDoubt();
    this.#phase = "reading";
    // What came with a row since the append was sent may be newer than this: then it is read all the same.
    if (missed !== undefined) return this.missed(missed, Infinity);
    this.#behind = false;
    return [{ type: "read", after: this.#state, retry: true }];
  }

  /** The append threw: it may be in the log or not. Nobody is told until a read shows (TE12). */
  lost(): readonly Effect<Reply>[] {
    this.#inDoubt();
    for (const intent of this.#doubtful) if (intent.row === "") this.#unknown.add(intent);
    this.#phase = "lost";
    this.#behind = false;
    return [{ type: "read", after: this.#state, retry: true }];
  }

  /** A doorbell, a cursor ahead of us, or time: look whether the log has moved. */
  look(): readonly Effect<Reply>[] {
    if (this.#phase !== "ready") return [];
    this.#phase = "reading";
    return [{ type: "read", after: this.#state, retry: false }];
  }

  /**
   * A ring that brought records along. They are folded where they continue exactly what is here, and their marks come out
   * right; what is here already is nothing new. Undefined: only the log can tell.
   */
  rung({ after, records }: RungRecords): readonly Effect<Reply>[] | undefined {
    if (this.#phase !== "ready") return undefined;
    const last = records.at(-1)!;
    if (this.recentAfter(last) !== undefined) return [];
    const { removed } = this.#state;
    let { sequence, mark } = this.#state;
    if (removed || sequence === 0 || after.sequence !== sequence || after.mark !== mark) return undefined;
    for (const record of records) {
      if (record.sequence !== ++sequence || record.version !== this.slice.version) return undefined;
      mark = chainMark(mark, record);
      if (record.mark !== mark) return undefined;
    }
    return this.missed({ status: "records", records }, Infinity);
  }

  /** Its model is not another node's: it is folded anew. False: not now. */
  doubt(): boolean {
    if (this.#phase !== "ready") return false;
    this.#phase = "reopening";
    return true;
  }

  /** The read that `lost` or `conflicted` asked for goes on failing: clients retry, the server's own callers wait. */
  stalled(): readonly Effect<Reply>[] {
    this.#isStalled = true;
    const waiting = [...this.#doubtful, ...this.#queue];
    this.#doubtful = waiting.filter((intent) => intent.author === null);
    this.#queue = [];
    return waiting.filter((intent) => intent.author !== null).map((intent) => pause(intent, "storage"));
  }

  /** The read failed and nobody is waiting for it. */
  readFailed(): void {
    this.#isStalled = false;
    if (this.#phase === "reading") this.#phase = "ready";
  }

  /** What a read found after our head. */
  missed(result: ReadResult, limit: number): readonly Effect<Reply>[] {
    this.#isStalled = false;
    if (result.status !== "records") {
      this.#phase = "reopening";
      return [{ type: "reopen", reason: "other-history" }];
    }
    const { folded, effects } = this.#foldForeign(result.records);
    if (folded < result.records.length) {
      // A newer version's: this node has no updates for it. Anything else is settled by a record that holds the whole
      // model, as whoever opens the target anew does.
      const newer = result.records.find(({ version }) => version > this.slice.version);
      this.#phase = newer === undefined ? "reopening" : "newer";
      effects.push(
        newer === undefined ? { type: "reopen", reason: "reset" } : { type: "newer", version: newer.version },
      );
      return effects;
    }
    if (result.records.length >= limit) {
      effects.push({ type: "read", after: this.#state, retry: true });
      return effects;
    }
    this.#phase = "ready";
    this.#unknown.clear(); // all that could be there has been read
    effects.push(...this.#decideAnew(), ...this.#catchUp());
    return effects;
  }

  /** Another history was opened: what we held is dropped, the batch is taken from dedupe again (TE11). */
  reset(state: TargetState, reason: string): readonly Effect<Reply>[] {
    this.#isStalled = false;
    this.#state = state;
    this.#recent = [];
    this.#recentFrom = state;
    this.#rows.clear();
    for (const load of this.#loading.values()) load.again = true;
    this.#behind = false;
    this.#phase = "ready";
    const unknown = [...this.#unknown];
    this.#unknown.clear();
    this.#doubtful = this.#doubtful.filter((intent) => !unknown.includes(intent));
    return [
      { type: "snapshot", reason },
      ...unknown.map(({ reply }) => ({ type: "unknown", reply }) as const),
      ...this.#decideAnew(),
    ];
  }

  /** Everything that still waits, for a target that ends. */
  abandon(): readonly Intent<Reply>[] {
    const loading = [...this.#loading.values()].flatMap((load) => load.intents);
    const all = [...this.#doubtful, ...(this.#flight?.intents ?? []), ...this.#queue, ...loading];
    this.#loading.clear();
    this.#doubtful = [];
    this.#queue = [];
    return all;
  }

  /** What became of the flight must be looked up: the records, and the rows, which may be another node's by now. */
  #inDoubt(): void {
    const { intents, rows } = this.#flight!;
    this.#doubtful = intents;
    this.#flight = undefined;
    for (const clientId of rows.keys()) this.#outdate(clientId);
  }

  #decideAnew(): Effect<Reply>[] {
    const again = [...this.#doubtful, ...this.#queue];
    this.#doubtful = [];
    this.#queue = [];
    return again.flatMap((intent) => this.offer(intent));
  }

  #land(flight: Flight<Reply>): Effect<Reply>[] {
    const after = this.#state;
    this.#ignoreBehind(flight);
    this.#state = flight.state;
    for (const [clientId, row] of flight.rows) this.#rows.set(clientId, rowOf(row));
    if (flight.records.length === 0) return flight.tells;
    return [this.#announce(after, flight.records), ...flight.tells];
  }

  /** Sent before its author could hear of the conflict: it is sent again as another client's (TE5). */
  #ignoreBehind({ midConflicts }: Flight<Reply>): void {
    if (midConflicts.size > 0) this.#queue = this.#queue.filter(({ reply }) => !midConflicts.has(reply));
  }

  /** Folds records as far as this version's updates can: `folded` of them. */
  #foldForeign(found: readonly LogRecord[]): { readonly folded: number; readonly effects: Effect<Reply>[] } {
    const after = this.#state;
    const effects: Effect<Reply>[] = [];
    const records: LogRecord[] = [];
    let { model, at } = after;
    for (const record of found) {
      if (record.version !== this.slice.version) break;
      const folded = foldRecord(this.slice, this.target, model, record);
      if (folded.error !== undefined) break;
      records.push(record);
      model = folded.model;
      at = record.at;
      // The log has a newer row than we do, maybe with refusals that no record shows: read it again when needed (TE6).
      if (record.author !== null) this.#outdate(record.author.clientId);
      this.#doubtful = this.#doubtful.filter((intent) => {
        const found = intent.row === "" && record.author === null && intent.id === record.id;
        if (!found) return true;
        this.#unknown.delete(intent);
        const { reply, id } = intent;
        effects.push({ type: "applied", reply, mid: 0, id, sequence: record.sequence });
        return false;
      });
    }
    const last = records.at(-1);
    if (last === undefined) return { folded: 0, effects };
    for (const row of this.#rows.keys()) if (row.startsWith("#")) this.#outdate(row);
    this.#state = { sequence: last.sequence, mark: last.mark, at, model, removed: false };
    effects.unshift(this.#announce(after, records));
    // Whoever waited on an outdated row goes back through the door.
    const queue = this.#queue;
    this.#queue = [];
    for (const intent of queue) effects.push(...this.offer(intent));
    return { folded: records.length, effects };
  }

  #outdate(clientId: string): void {
    this.#rows.delete(clientId);
    const load = this.#loading.get(clientId);
    if (load !== undefined) load.again = true;
  }

  /** Keeps the records at hand and shows them to subscribers: as they are, or by a snapshot if one holds a whole model. */
  #announce(after: Cursor, records: readonly LogRecord[]): Effect<Reply> {
    if (records.some((record) => record.model !== undefined)) {
      this.#recent = [];
      this.#recentFrom = this.#state;
      return { type: "snapshot", reason: "reset" };
    }
    for (const record of records) this.#recent.push(record);
    const { maxCatchUp } = this.#options.limits;
    if (this.#recent.length > 2 * maxCatchUp) {
      const cut = this.#recent.length - maxCatchUp;
      this.#recentFrom = this.#recent[cut - 1]!;
      this.#recent = this.#recent.slice(cut);
    }
    return { type: "update", after, records };
  }

  #forgetQuietRows(): void {
    if (this.#rows.size < this.#options.limits.maxClientRows) return;
    // Oldest first.
    for (const clientId of this.#rows.keys()) {
      if (this.#flight?.rows.has(clientId) === true) continue;
      if (this.#queue.some((intent) => intent.row === clientId)) continue;
      this.#rows.delete(clientId);
      return;
    }
  }
}

const never = (): boolean => false;
