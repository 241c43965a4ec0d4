// A log in a SQLite file: values to text, what changes the file to its lane (writer.ts, in groups: jobs.ts), reads at
// once; it sweeps what is too old. It opens itself when first used, and again where that failed or the file was replaced.
// Not here: options (options.ts, sqlite-with.ts), topics kept in memory (split-log.ts).
import { statSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import { CallaError } from "@calla/shared";
import type { Cursor, Random, Serialiser, TargetKey } from "@calla/shared";
import { MOST_MISSED, wholeMissed } from "../log.ts";
import type {
  Append,
  AppendResult,
  Changes,
  Claim,
  ClaimResult,
  ClientRow,
  Expired,
  Expiry,
  Head,
  HistoryPage,
  LogSnapshot,
  LogStorage,
  Position,
  LogConsumer,
  ReadResult,
  TargetPage,
} from "../log.ts";
import { checkDense } from "../dense.ts";
import { numberOf } from "../position.ts";
import type { ExecutorOptions, Given, Group } from "./executor.ts";
import type { Failure } from "./failure.ts";
import { failureOf, storageFailure } from "./failures.ts";
import {
  advanceGroup,
  appendGroup,
  bytesOf,
  claimGroup,
  dropGroup,
  expireClientGroup,
  expireConsumerGroup,
  expireSessionGroup,
  expireTombstoneGroup,
  freshenGroup,
  removeGroup,
  saveGroup,
  secretGroup,
  sweepGroups,
  touchGroup,
} from "./jobs.ts";
import type { Lane } from "./writer.ts";
import { placeOf } from "./file-place.ts";
import type { FilePlace } from "./file-place.ts";
import { library } from "./library.ts";
import { Reader } from "./reader.ts";
import type { AgedRow } from "./reader.ts";
import { nameOfPlain } from "../plain-name.ts";
import { plainText, textCodec } from "../text.ts";
import type { StorageOf } from "./topics.ts";

export interface FileLogOptions {
  readonly executor: ExecutorOptions;
  readonly shared: boolean;
  readonly lane: (options: ExecutorOptions) => Lane;
  readonly storageOf: StorageOf;
  readonly random: Random;
  /** The name of the log that must be there. */
  readonly identity: string | undefined;
}

/** Milliseconds that a read waits for the file, which happens while another process repairs or closes it. */
const READ_TIMEOUT = 1_000;

/** Bytes up to which an append may be written in the server's own thread. */
const SMALL = 262_144;

/** Milliseconds between reads that look whether the files are still there; and between tries of a file that is not. */
const LOOK = 1_000;

interface Opened {
  lane: Lane;
  reader: Reader;
  readonly place: FilePlace;
  lookedAt: number;
  /** When writing was last tried anew, where it is refused. */
  triedAt: number | undefined;
  close(): Promise<void>;
}

export class FileLog implements LogStorage {
  readonly shared: boolean;
  readonly #options: FileLogOptions;
  #text = plainText();
  #opening: Promise<Opened> | undefined;
  #closing: Promise<void> | undefined;
  #sweeping = false;
  /** The name of the log that is in use: no other is taken in its place. */
  #identity: string | undefined;
  /** It was open: if it is not there any more, no other is made in its place. */
  #hasBeenOpen = false;
  /** The one before was given up, and is being closed; what it was about may be another history now. */
  #former: Promise<void> | undefined;
  readonly #listeners = new Set<() => void>();
  /** Calls that are not answered yet. */
  #openCalls = 0;
  #idle: (() => void) | undefined;

  constructor(options: FileLogOptions) {
    this.#options = options;
    this.shared = options.shared;
  }

  carryWith(serialiser: Serialiser): void {
    this.#text = textCodec(serialiser);
  }

  onReplaced(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Opens the file, unless it is open. */
  async opened(): Promise<void> {
    await this.#use();
  }

  open(target: TargetKey): Promise<Head | undefined> {
    return this.#read((reader) => reader.open(target, this.#text));
  }
  read(target: TargetKey, after: Cursor, limit: number): Promise<ReadResult> {
    return this.#read((reader) => reader.read(target, after, limit, this.#text));
  }
  moved(places: readonly (readonly [TargetKey, Cursor])[]): Promise<readonly TargetKey[]> {
    return this.#read((reader) => reader.moved(places));
  }
  client(target: TargetKey, clientId: string): Promise<ClientRow | undefined> {
    return this.#read((reader) => reader.client(target, clientId, this.#text));
  }

  async append(batch: readonly Append[]): Promise<readonly AppendResult[]> {
    const prepared = batch.map((append) => this.#prepare(append));
    const groups = prepared.filter((one) => "guard" in one);
    const sizes = groups.map(bytesOf);
    const small = sizes.reduce((sum, size) => sum + size, 0) <= SMALL;
    const given = await this.#write(groups, small);
    let next = 0;
    const results = prepared.map((one, i): AppendResult | Promise<AppendResult> => {
      if (!("guard" in one)) return one;
      const bytes = sizes[next]!;
      return given[next++] === null ? this.#conflict(batch[i]!) : { status: "appended", bytes };
    });
    return Promise.all(results);
  }

  /** With what was missed, which is read here anyway; where that cannot be read, whoever needs it hears so. */
  async #conflict({ target, expected }: Append): Promise<AppendResult> {
    const missed = await this.read(target, expected, MOST_MISSED + 1).then(wholeMissed, () => ({}));
    return { status: "conflict", ...missed };
  }

  /** What cannot be written keeps nothing else from being written. */
  #prepare(append: Append): Group | Extract<AppendResult, { status: "unknown" }> {
    checkDense(append);
    try {
      return appendGroup(append, this.#text);
    } catch (error) {
      return { status: "unknown", error };
    }
  }

  async saveSnapshot(target: TargetKey, snapshot: LogSnapshot): Promise<void> {
    const { retention } = this.#options.storageOf(target);
    const [saved] = await this.#write([saveGroup(target, snapshot, retention, this.#text)]);
    if (saved !== null && retention !== Infinity) void this.#sweep();
  }

  async remove(target: TargetKey, at: number, unusedSince = Infinity): Promise<boolean> {
    const [removed] = await this.#write([removeGroup(target, at, unusedSince)]);
    if (removed !== null) void this.#sweep();
    return removed !== null;
  }

  list(prefix: string, from: string | undefined, limit: number): Promise<TargetPage> {
    return this.#read((reader) => reader.list(prefix, from, limit));
  }
  bytes(): Promise<number> {
    return this.#read((reader) => reader.bytes());
  }

  history(target: TargetKey, upTo: number, limit: number): Promise<HistoryPage> {
    return this.#read((reader) => reader.history(target, upTo, limit, this.#text));
  }
  snapshotAt(target: TargetKey, sequence: number): Promise<LogSnapshot | undefined> {
    return this.#read((reader) => reader.snapshotAt(target, sequence, this.#text));
  }

  async changes(after: Position, limit: number, wanted?: (target: TargetKey) => boolean): Promise<Changes> {
    const from = numberOf(after);
    return this.#read((reader) => reader.changes(from, limit, this.#text, wanted));
  }
  async claimConsumer(name: string, claim: Claim): Promise<ClaimResult> {
    for (;;) {
      const [position] = await this.#write([claimGroup(name, claim)]);
      if (typeof position === "number") return { status: "held", position: String(position) };
      const holder = (await this.consumers()).find((consumer) => consumer.name === name);
      if (holder !== undefined) return { status: "taken", until: holder.until };
      // Dropped between the two: the next claim makes it.
    }
  }
  async advanceConsumer(
    name: string,
    {
      owner,
      position,
      until,
    }: { readonly owner: string; readonly position: Position; readonly until: number },
  ): Promise<boolean> {
    const [at] = await this.#write([advanceGroup(name, owner, numberOf(position), until)]);
    if (at !== null) void this.#sweep();
    return at !== null;
  }
  async dropConsumer(name: string): Promise<void> {
    const [dropped] = await this.#write([dropGroup(name)]);
    if (dropped !== null) void this.#sweep();
  }
  consumers(): Promise<readonly LogConsumer[]> {
    return this.#read((reader) => reader.consumers());
  }

  async touch(targets: readonly TargetKey[], at: number): Promise<void> {
    await this.#write(targets.map((target) => touchGroup(target, at)));
  }
  /** Looks first, and takes what is then still too old. */
  async expire(expiry: Expiry): Promise<Expired> {
    const old = await this.#read((reader) => reader.expired(expiry));
    const aged = await this.#aged(expiry);
    const groups = [
      old.sessions.map((name) => expireSessionGroup(name, expiry)),
      old.tombstones.map((name) => expireTombstoneGroup(name, expiry)),
      aged.map((row) => expireClientGroup(row, expiry)),
      old.consumers.map((name) => expireConsumerGroup(name, expiry)),
    ];
    const given = await this.#write(groups.flat());
    const went = <T>(list: readonly T[], before: number): T[] =>
      list.filter((_, i) => given[before + i] !== null);
    const [sessions, tombstones, rows] = groups.map(({ length }) => length) as [number, number, number];
    const expired = {
      sessions: went(old.sessions, 0).map(nameOfPlain),
      tombstones: went(old.tombstones, sessions).map(nameOfPlain),
      rows: went(aged, sessions + tombstones).length,
      consumers: went(old.consumers, sessions + tombstones + rows).map(nameOfPlain),
    };
    if (expired.sessions.length + expired.consumers.length > 0) void this.#sweep();
    return expired;
  }

  /** Of the rows that are too old by their day, those that are; what was written since gets its right day. */
  async #aged(expiry: Expiry): Promise<readonly AgedRow[]> {
    for (;;) {
      const rows = await this.#read((reader) => reader.aged(expiry));
      const since = rows.filter(({ at }) => at >= expiry.rows);
      await this.#write(since.map(freshenGroup));
      // Where those filled the page, others may be behind them.
      if (since.length === 0 || rows.length < expiry.limit) return rows.filter((row) => !since.includes(row));
    }
  }

  identity(): Promise<string> {
    return this.#read((reader) => reader.identity());
  }

  async secret(): Promise<Uint8Array | undefined> {
    const kept = await this.#read((reader) => reader.secret());
    if (kept !== undefined) return kept;
    const words = Uint32Array.from({ length: 8 }, () => this.#options.random.uint32());
    await this.#write([secretGroup(Buffer.from(words.buffer).toString("hex"))]);
    // Another process may have been first.
    return this.#read((reader) => reader.secret());
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      const opened = await this.#opening?.catch(() => undefined);
      if (this.#openCalls > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
      await opened?.close();
      await this.#former;
    })();
    return this.#closing;
  }

  async #use(): Promise<Opened> {
    if (this.#closing !== undefined)
      throw new CallaError("closed", { file: this.#file }, `The log in ${this.#file} has been closed.`);
    if (this.#opening === undefined) {
      const opening = this.#open();
      this.#opening = opening;
      opening.then(
        () => this.#sweep(), // what a process that was killed has left
        () => this.#drop(opening), // what was in the way may be gone at the next call
      );
    }
    return this.#opening;
  }
  #drop(opening: Promise<Opened> | undefined): void {
    if (this.#opening === opening) this.#opening = undefined;
  }

  async #open(): Promise<Opened> {
    const { lane: laneOf } = this.#options;
    const { file } = this.#options.executor;
    // Two that are open at once would keep what the one has in its write-ahead log from the main file.
    const former = this.#former;
    await former;
    const place = placeOf({ statSync }, file);
    if (this.#hasBeenOpen && statSync(file, { throwIfNoEntry: false }) === undefined)
      throw storageFailure(file, { code: "CALLA_GONE", message: `${file} is not there any more` });
    const mustExist = this.#hasBeenOpen || this.#options.identity !== undefined;
    const lane = laneOf({ ...this.#options.executor, ...(mustExist ? { mustExist } : {}) });
    try {
      await lane.opened;
      const db = lane.executor?.db ?? readingOf(file);
      const opened: Opened = {
        lane,
        reader: new Reader(db),
        place,
        lookedAt: performance.now(),
        triedAt: undefined,
        // The last connection to close writes everything into the main file; a reader could not.
        async close() {
          if (opened.lane.executor === undefined) db.close();
          await opened.lane.close();
        },
      };
      const moved = place.settle();
      if (moved !== undefined) {
        await opened.close();
        throw Object.assign(new Error(moved.message), { code: moved.code });
      }
      const stored = file !== ":memory:" && file !== "";
      const other = stored ? this.#other(opened.reader.identity()) : undefined;
      if (other !== undefined) {
        await opened.close();
        throw other;
      }
      this.#hasBeenOpen = stored;
      if (former !== undefined) {
        this.#former = undefined;
        for (const listener of this.#listeners) queueMicrotask(listener);
      }
      return opened;
    } catch (thrown) {
      void lane.close();
      throw storageFailure(file, failureOf(thrown));
    }
  }

  /** Why it is not taken: another log, or a new one, stands where the one in use was. A copy of that one has its name. */
  #other(found: string): Error | undefined {
    const known = this.#identity ?? this.#options.identity;
    if (known !== undefined && known !== found)
      return Object.assign(new Error(`it is the log ${found}, and not ${known}`), { code: "CALLA_OTHER" });
    this.#identity = found;
    return undefined;
  }

  /** The files are not where they were: nothing more is read or written there. The next call opens what is there then. */
  #leave(opened: Opened, opening: Promise<Opened> | undefined): void {
    if (this.#opening !== opening) return;
    this.#opening = undefined;
    this.#former = opened.close().catch(() => {});
  }

  /**
   * A connection that found the file read-only stays so, whatever becomes of the file. So another one is made, now and
   * then; what is read goes on meanwhile.
   */
  async #writable(opened: Opened): Promise<void> {
    const now = performance.now();
    if (opened.triedAt === undefined || now - opened.triedAt < LOOK) return;
    opened.triedAt = now;
    const { executor, lane: laneOf } = this.#options;
    const lane = laneOf({ ...executor, check: "off", mustExist: true });
    try {
      await lane.opened;
    } catch {
      return void lane.close();
    }
    const former = opened.lane;
    opened.lane = lane;
    if (lane.executor !== undefined) opened.reader = new Reader(lane.executor.db);
    opened.triedAt = undefined;
    void former.close();
  }

  async #read<T>(ask: (reader: Reader) => T): Promise<T> {
    const opening = this.#use();
    const current = this.#opening;
    const opened = await this.#asked(opening);
    const now = performance.now();
    if (now - opened.lookedAt >= LOOK) {
      opened.lookedAt = now;
      const moved = opened.place.look();
      if (moved !== undefined) {
        this.#leave(opened, current);
        throw storageFailure(this.#file, moved);
      }
    }
    try {
      return ask(opened.reader);
    } catch (thrown) {
      throw thrown instanceof CallaError ? thrown : storageFailure(this.#file, failureOf(thrown));
    }
  }
  /** Closing waits for it. */
  async #asked<T>(call: Promise<T>): Promise<T> {
    this.#openCalls++;
    try {
      return await call;
    } finally {
      if (--this.#openCalls === 0) this.#idle?.();
    }
  }

  #write(groups: readonly Group[], small = false): Promise<Given> {
    return this.#asked(this.#commit(groups, small));
  }
  async #commit(groups: readonly Group[], small: boolean): Promise<Given> {
    const opening = this.#use();
    const current = this.#opening; // before anything is waited for: what is dropped is what was used
    const opened = await opening;
    if (groups.length === 0) return [];
    await this.#writable(opened);
    const { lane } = opened;
    try {
      return await lane.run(groups, small);
    } catch (thrown) {
      const failure = thrown as Failure;
      if (failure.code === "CALLA_WORKER") {
        this.#drop(current);
        void lane.close();
      }
      if (failure.code === "CALLA_GONE" || failure.code === "CALLA_REPLACED") this.#leave(opened, current);
      if (failure.code.startsWith("SQLITE_READONLY")) opened.triedAt ??= -Infinity;
      throw storageFailure(this.#file, failure);
    }
  }

  /** Deletes what is no longer part of a history, some at a time, so that appends come in between. */
  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      for (let given: Given = [1]; given.some((one) => one !== null) && this.#closing === undefined;)
        given = await this.#write(sweepGroups);
    } catch {
      // Appends meet the same trouble and report it; what is left is swept later.
    } finally {
      this.#sweeping = false;
    }
  }

  get #file(): string {
    return this.#options.executor.file;
  }
}

const readingOf = (file: string): BetterSqlite3.Database =>
  new (library())(file, { readonly: true, fileMustExist: true, timeout: READ_TIMEOUT });
