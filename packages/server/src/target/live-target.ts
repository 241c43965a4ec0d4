// A target held in memory: its engine, its audience, and the frames with which a subscriber catches up, each encoded
// once for all that need the same. Not here: when it is opened and evicted (target-registry.ts), who may subscribe
// (access.ts).
import { CallaError, hashValue, isSession } from "@calla/shared";
import type { Cursor, ModelSlice, TargetKey, Update } from "@calla/shared";
import { Audience } from "./audience.ts";
import type { WireFrame } from "../base/connection.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { Shared } from "../context/encoder.ts";
import type { Encoder } from "../context/encoder.ts";
import type { LooseHandlers } from "../app/handlers.ts";
import type { ClientRow, LogRecord } from "../log/log.ts";
import { tellDigest } from "../cluster/node-messages.ts";
import type { Party } from "../connection/parties.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import { toUpdate } from "../log/record.ts";
import type { TargetEngine } from "./target-engine.ts";

/** A dispatch, read or stop of the server's own that waits for its end. */
export interface Call {
  settle(sequence: number): void;
  fail(error: unknown): void;
}

/** A client's row, and the state of its target that it belongs to. */
export interface KnownRow {
  readonly row: ClientRow;
  readonly state: Cursor;
}

/** After a break clients stand at a few places, as many as there were updates while they went. */
const MOST_REPLAYS = 32;

/** Who hears an outcome. */
export type Reply = Conversation | Call;

export class LiveTarget {
  /** The log's key. */
  readonly key: TargetKey;
  readonly slice: ModelSlice;
  readonly params: readonly string[];
  readonly handlers: LooseHandlers | undefined;
  readonly audience: Audience;
  // Written by target-registry.ts:
  /** undefined while it is being opened. */
  engine: TargetEngine<Reply> | undefined;
  /** Who had it opened; undefined: the server. */
  openedFor: Party | undefined;
  /** Undoes the doorbell's subscription. */
  silence: (() => void) | undefined;
  /** Why it cannot be had, while it cannot; `version`: this node has no updates for what the log holds (VE4). */
  failure: "storage" | "version" = "storage";
  /** The log's version, where it is a newer one. */
  newer: number | undefined;
  /** Closed: what comes for it goes to the one opened in its place. */
  closed = false;

  // Filled by whoever waits, and emptied by target-registry.ts:
  /** Waits for `engine`; called with undefined if opening failed. */
  opening: ((engine: TargetEngine<Reply> | undefined) => void)[] = [];
  /** Runs once it has been closed. */
  ended: (() => void)[] = [];

  // Written by commit-loop.ts:
  /** Waits for a read of the log to have been folded. */
  looking: ((looked: boolean) => void)[] = [];
  /** The storage was replaced since it was last looked at: what memory has may be of another history (SQ12). */
  unsure: object | undefined;
  /** Waits for a client's row. */
  rows = new Map<string, ((known: KnownRow | undefined) => void)[]>();
  /** In the next turn's list already. */
  due = false;
  /** Appends in a row of which nothing was heard. */
  lost = 0;

  // Written by others:
  /** How many catch up with it across an await (catch-up.ts): it is not closed meanwhile. */
  users = 0;
  /** By the monotonic clock; whoever uses it sets it. */
  lastUsed: number;
  /**
   * Records and bytes that the stored snapshot does not cover: counted here and by commit-loop.ts, set back by
   * target-registry.ts.
   */
  sinceSnapshot = 0;
  bytesSinceSnapshot = 0;
  /** When the log was last told that somebody is subscribed to it, in wall time as the log has it (expiry.ts). */
  touched = 0;
  /** Being stopped or removed: what its subscribers are told, and whoever comes meanwhile (server-topic.ts). */
  ending: "stopped" | "removed" | undefined;
  readonly #context: ServerContext;
  #snapshot:
    | {
        readonly at: Cursor;
        /** The same place may be folded anew (VE9). */
        readonly model: unknown;
        readonly frames: (readonly WireFrame[] | undefined)[];
        /** Why there are none. */
        uncarried: CallaError | undefined;
      }
    | undefined;
  /** It has been reported that nobody can join. */
  #isTold = false;
  /** Of one head, by the sequence they continue from: within one history that is one cursor. */
  #replays: { readonly head: Cursor; readonly shared: Map<number, Shared> } | undefined;

  /** When the next digest is due. */
  #digestDue: number;

  constructor(
    context: ServerContext,
    slowConsumers: SlowConsumers,
    key: TargetKey,
    slice: ModelSlice,
    params: readonly string[],
  ) {
    this.#context = context;
    this.key = key;
    this.slice = slice;
    this.params = params;
    this.handlers = context.handlers.get(slice.name);
    this.audience = new Audience(key, context.clock, slowConsumers);
    this.lastUsed = context.clock.monotonic();
    this.#digestDue = this.lastUsed + context.limits.digestEvery;
  }

  /** Whether hooks hear of what is applied here. They may be registered while it lives. */
  get hooked(): boolean {
    const { sessions, topics } = this.#context.hooks;
    return this.handlers?.onMessage !== undefined || (isSession(this.key) ? sessions.any : topics.any);
  }

  /** The target as the wire names it. */
  get wire(): TargetKey {
    return this.audience.target;
  }

  /** Records to all subscribers, own authors included: the same bytes for everyone. */
  announce(after: Cursor, records: readonly LogRecord[]): void {
    this.sinceSnapshot += records.length;
    this.#replays = undefined;
    if (this.audience.current.size === 0) return;
    const update = this.#withDigest(toUpdate(this.key, after, records), after.sequence + records.length);
    this.audience.say({ type: "TopicUpdate", target: this.wire, ...update }, after);
  }

  /** With the model's hash, now and then: once for all subscribers and the other nodes (VE9). */
  #withDigest(update: Update, sequence: number): Update {
    const { clock, limits, report } = this.#context;
    const { state } = this.engine!;
    const begun = clock.monotonic();
    if (begun < this.#digestDue || state.sequence !== sequence) return update;
    try {
      const digest = hashValue(state.model);
      // Hashing takes a thousandth of the time at most, however large the model.
      this.#digestDue = begun + Math.max(limits.digestEvery, 1_000 * (clock.monotonic() - begun));
      tellDigest(this.#context, this.key, { sequence, mark: state.mark, digest });
      return { ...update, digest };
    } catch (error) {
      this.#digestDue = Infinity;
      report(error);
      return update;
    }
  }

  /** The records after a cursor as one frame, encoded once for all who missed the same. */
  replay(after: Cursor, records: readonly LogRecord[], encoder: Encoder): WireFrame {
    const head = this.engine!.state;
    if (this.#replays === undefined || !sameCursor(this.#replays.head, head))
      this.#replays = { head: { sequence: head.sequence, mark: head.mark }, shared: new Map() };
    const { shared: known } = this.#replays;
    const cached = known.get(after.sequence);
    if (cached !== undefined) return cached.in(encoder);
    const update = toUpdate(this.key, after, records);
    const shared = new Shared({ type: "TopicUpdate", target: this.wire, ...update });
    for (const oldest of known.keys()) {
      if (known.size < MOST_REPLAYS) break;
      known.delete(oldest);
    }
    known.set(after.sequence, shared);
    return shared.in(encoder);
  }

  /**
   * The whole model, encoded once per sequence and format; in parts where it is large.
   *
   * @throws CallaError `invalid-value`: no format carries it. Tried once per sequence, not by everybody who comes.
   */
  snapshot(encoder: Encoder): readonly WireFrame[] {
    const { sequence, mark, model } = this.engine!.state;
    const known = this.#snapshot;
    if (known === undefined || known.model !== model || !sameCursor(known.at, { sequence, mark })) {
      this.#snapshot = { at: { sequence, mark }, model, frames: [], uncarried: undefined };
    }
    const { uncarried, frames } = this.#snapshot!;
    if (uncarried !== undefined) throw uncarried;
    try {
      return (frames[encoder.index] ??= snapshotFrames(
        { type: "Snapshot", target: this.wire, sequence, mark, version: this.slice.version },
        model,
        encoder,
        this.#context.limits.snapshotPartBytes,
      ));
    } catch (error) {
      if (!(error instanceof CallaError) || error.code !== "invalid-value") throw error;
      throw (this.#snapshot!.uncarried = this.#uncarried(error));
    }
  }

  /** Reported once, however often its model changes. */
  #uncarried(cause: Error): CallaError {
    const error = new CallaError(
      "invalid-value",
      { target: this.key, cause },
      `Nobody can join "${this.key}", for its model cannot be carried: ${cause.message} The server can read it (topic.read) and dispatch to it what repairs it.`,
    );
    if (!this.#isTold) this.#context.report(error);
    this.#isTold = true;
    return error;
  }
}

export const sameCursor = (a: Cursor, b: Cursor): boolean => a.sequence === b.sequence && a.mark === b.mark;

type SnapshotHead = { type: "Snapshot"; target: TargetKey; sequence: number; mark: number; version: number };

function snapshotFrames(
  head: SnapshotHead,
  model: unknown,
  encoder: Encoder,
  partBytes: number,
): readonly WireFrame[] {
  const whole = encoder.encode({ ...head, model });
  if (encoder.whole === true || whole.bytes.length <= partBytes) return [whole];
  const encoded = encoder.encodeModel(model);
  const parts = Math.ceil(encoded.length / partBytes);
  return Array.from({ length: parts }, (_, part) =>
    encoder.encode({ ...head, part, parts, chunk: encoded.slice(part * partBytes, (part + 1) * partBytes) }),
  );
}
