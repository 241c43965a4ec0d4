// Opens a target from its log: the snapshot, with the records after it folded over it. What cannot be folded as it
// stands (an older version's record, or one that this version's updates reject) is settled by one append that holds the
// whole model, so that every replica goes on from the same one (VE3, VE5). Not here: when a target is opened
// (target-registry.ts).
import {
  CallaError,
  deepFreeze,
  hashValue,
  initialModel,
  messageOf,
  migrateMessages,
  migrateModel,
  ORIGIN,
} from "@calla/shared";
import type { Cursor, ModelSlice, TargetKey } from "@calla/shared";
import { checkInitial } from "./checked-apply.ts";
import type { TargetState } from "./batch.ts";
import type { ServerContext } from "../context/server-context.ts";
import { ring } from "../cluster/node-messages.ts";
import type { Digest } from "../cluster/node-messages.ts";
import { pageOf } from "../base/limits.ts";
import type { LogRecord, LogSnapshot } from "../log/log.ts";
import { foldRecord, wholeModel } from "../log/record.ts";

/** How often it is begun anew while others append or compact. */
const MOST_ATTEMPTS = 20;

/**
 * Folds a target from its log, in this wiring's version.
 *
 * `doubted`: another node has another model of that place. Where the log folds to ours, that node has other updates (or a
 * spoilt memory), so ours is settled by a record for everybody; otherwise what we held was spoilt.
 *
 * @throws CallaError `version`: the log has it in a newer version, or it cannot be migrated. `storage`: the log's parts
 * do not meet, or others append too fast.
 */
export async function openState(
  context: ServerContext,
  key: TargetKey,
  slice: ModelSlice,
  doubted?: Digest,
): Promise<TargetState> {
  const initial = initialModel(slice, { strict: context.strict });
  if (context.strict) checkInitial(context.serialiser, slice, initial);
  let fold: Fold | undefined;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    if (fold === undefined) {
      const head = await context.log.open(key);
      if (head === undefined) return { ...ORIGIN, at: 0, model: initial, removed: false };
      if (head.version > slice.version) throw newerVersion(key, slice, head.version);
      if (head.removed)
        return { sequence: head.sequence, mark: head.mark, at: head.at, model: initial, removed: true };
      fold = new Fold(context, key, slice, head.snapshot, initial);
    }
    if (await fold.read()) {
      const reason = fold.reason ?? fold.confirms(doubted);
      const state = reason === undefined ? fold.state : await fold.settle(reason);
      if (state !== undefined) return state;
      // Another node has appended meanwhile: read on from here.
    } else fold = undefined; // Compacted meanwhile: there is a newer snapshot to begin from.
  }
  throw new CallaError(
    "storage",
    { target: key },
    `"${key}" cannot be opened: its log's snapshot and records do not meet, or others append all the time.`,
  );
}

/** What this node must not touch: it has no updates for it. */
export const newerVersion = (target: TargetKey, slice: ModelSlice, version: number): CallaError =>
  new CallaError(
    "version",
    { target, slice: slice.name, version, ours: slice.version },
    `"${target}" is of version ${version}; this node's slice "${slice.name}" is of version ${slice.version} and leaves it alone.`,
  );

export const isNewer = (
  error: unknown,
): error is CallaError & { readonly details: { readonly version: number } } =>
  error instanceof CallaError &&
  error.code === "version" &&
  typeof (error.details as { version?: unknown }).version === "number";

/** One target being folded. */
class Fold {
  readonly #context: ServerContext;
  readonly #key: TargetKey;
  readonly #slice: ModelSlice;
  #at: Cursor & { readonly at: number };
  #model: unknown;
  /** An older version has a part in the model. */
  #older: number | undefined;
  /** Records without an effect, as far as no whole model came after them. */
  #skipped: { readonly record: LogRecord; readonly error: unknown }[] = [];
  /** Why the model cannot be had, unless a whole one comes after it. */
  #problem: unknown;

  constructor(
    context: ServerContext,
    key: TargetKey,
    slice: ModelSlice,
    snapshot: LogSnapshot | undefined,
    initial: unknown,
  ) {
    this.#context = context;
    this.#key = key;
    this.#slice = slice;
    this.#at = snapshot ?? { ...ORIGIN, at: 0 };
    this.#model = initial;
    if (snapshot !== undefined) this.#replace(snapshot.model, snapshot.version);
  }

  get state(): TargetState {
    const { sequence, mark, at } = this.#at;
    return { sequence, mark, at, model: this.#model, removed: false };
  }
  /** Why the model must be settled by a record that holds it: then that record's id. */
  get reason(): string | undefined {
    const next = this.#at.sequence + 1;
    const { length } = this.#skipped;
    const skipped = length === 0 ? "" : `skipped-${this.#skipped[0]!.record.sequence}-${length}-`;
    if (this.#older !== undefined) return `migrated-${this.#older}-${this.#slice.version}-${skipped}${next}`;
    return length === 0 ? undefined : `${skipped}${next}`;
  }

  /** Whether the log folds to the doubted model, at its place: then the id of the record that settles it. */
  confirms(doubted: Digest | undefined): string | undefined {
    const { sequence, mark } = this.#at;
    if (doubted?.sequence !== sequence || doubted.mark !== mark) return undefined;
    return hashValue(this.#model) === doubted.digest ? `diverged-${sequence + 1}` : undefined;
  }

  /** Folds all there is. False: the log has no such place any more. */
  async read(): Promise<boolean> {
    const page = pageOf(this.#context.limits);
    for (;;) {
      const { sequence, mark } = this.#at;
      const result = await this.#context.log.read(this.#key, { sequence, mark }, page);
      if (result.status !== "records") return false;
      for (const record of result.records) this.#record(record);
      if (result.records.length < page) break;
    }
    if (this.#problem !== undefined) throw this.#problem;
    return true;
  }

  /** Appends the model as a record of this version. Undefined: another node was first. */
  async settle(id: string): Promise<TargetState | undefined> {
    const { log, random, clock } = this.#context;
    const { sequence, mark } = this.#at;
    const at = Math.max(this.#at.at, clock.now());
    const { version } = this.#slice;
    const record = wholeModel({ sequence: sequence + 1, version, at, id }, this.#model, random);
    const [result] = await log.append([
      { target: this.#key, expected: { sequence, mark }, records: [record], rows: [], at },
    ]);
    if (result?.status !== "appended") return undefined;
    for (const { error } of this.#skipped) this.#context.report(error);
    ring(this.#context, this.#key);
    const state = { sequence: record.sequence, mark: record.mark, at, model: this.#model };
    // So that nobody has to fold the older version's records again.
    log.saveSnapshot(this.#key, { ...state, version }).catch((error: unknown) => this.#context.report(error));
    return { ...state, removed: false };
  }

  #record(record: LogRecord): void {
    const { sequence, mark, at, version } = record;
    if (version > this.#slice.version) throw newerVersion(this.#key, this.#slice, version);
    this.#at = { sequence, mark, at };
    if (record.model !== undefined) return this.#replace(record.model.value, version);
    if (version < this.#slice.version) this.#older ??= version;
    if (this.#problem !== undefined) return;
    const own = version === this.#slice.version ? record : this.#migrated(record);
    const folded = own && foldRecord(this.#slice, this.#key, this.#model, own);
    if (folded === undefined) return;
    if (folded.error !== undefined) this.#skip(record, folded.error);
    else this.#model = folded.model;
  }

  #replace(model: unknown, version: number): void {
    this.#skipped = [];
    this.#problem = undefined;
    this.#older = version < this.#slice.version ? version : undefined;
    this.#model = model;
    if (this.#older === undefined) return;
    try {
      const migrated = migrateModel(this.#slice, model, version);
      const carried = this.#context.serialiser.normaliseModel(migrated);
      this.#model = this.#context.strict ? deepFreeze(carried) : carried;
    } catch (error) {
      this.#problem = error;
    }
  }

  /** An older version's record as one of this version; undefined: it has no meaning any more. */
  #migrated(record: LogRecord): LogRecord | undefined {
    // As the server's, whoever the author: `amend` may have made it one that clients cannot send.
    const migrated = migrateMessages(this.#slice, record.messages, record.version, "server");
    if (migrated.ok) return { ...record, messages: migrated.messages };
    // What its author's migration drops is meant to go; anything else is to be heard of.
    if (migrated.code !== "version" || migrated.error !== undefined)
      this.#skip(record, migrated.error ?? new Error(`it is ${migrated.code}`));
    return undefined;
  }

  #skip(record: LogRecord, cause: unknown): void {
    const { sequence, id, version } = record;
    const why = messageOf(cause);
    const error = new CallaError(
      "skipped",
      { target: this.#key, sequence, id, version, cause },
      `Record ${sequence} of "${this.#key}" (version ${version}) cannot be folded and is skipped: ${why}`,
    );
    this.#skipped.push({ record, error });
  }
}
