// A log in Postgres: values to text, each method one call of a function of the schema, appends through their queue; it sweeps
// what is no longer part of a history. Not here: what the functions do (schema/), finding the schema (log-place.ts).
import { CallaError } from "@calla/shared";
import type { Cursor, Serialiser, TargetKey } from "@calla/shared";
import { reporter } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import { systemClock } from "../../base/clock.ts";
import { checkDense } from "../../log/dense.ts";
import { MOST_MISSED, wholeMissed } from "../../log/log.ts";
import type {
  Append,
  AppendResult,
  Change,
  Changes,
  Claim,
  ClaimResult,
  ClientRow,
  Expired,
  Expiry,
  Head,
  HistoryPage,
  LogConsumer,
  LogSnapshot,
  Position,
  ReadResult,
  TargetPage,
} from "../../log/log.ts";
import { nameOfPlain, plainName } from "../../log/plain-name.ts";
import { plainText, textCodec } from "../../log/text.ts";
import { postgresCalls } from "../driver/calls.ts";
import { STATE_ROW } from "../schema/states.ts";
import { AppendQueue } from "./append-queue.ts";
import { columnsOf, written } from "./columns.ts";
import type { Written } from "./columns.ts";
import { codeOf, LogPlace } from "./log-place.ts";
import type { PostgresLog, PostgresLogOptions } from "./options.ts";
import { Patience } from "./patience.ts";
import { placeOf, positionOf } from "./place.ts";
import { refusal } from "./refusals.ts";
import {
  clientRowOf,
  headOf,
  isTrue,
  numberIn,
  readResultOf,
  recordsIn,
  snapshotOf,
  textIn,
} from "./rows.ts";
import type { PostgresRow } from "../driver/driver.ts";
import type { PostgresValue } from "../driver/text.ts";
import type { CallName } from "./statements.ts";

/** Of one call: targets, and about how many bytes. */
const MOST_TARGETS = 256;
const MOST_BYTES = 1_048_576;

/** Records that conflicts of one call bring along, in all: many may be late at once, after a node stood still. */
const MOST_BROUGHT = 1_024;

/** Removals of a target that is written to all the time that are tried before everybody else has to wait for one. */
const REMOVALS = 4;

/** Classes of states where a value is at fault, so that other appends of the call are not. */
const OF_A_VALUE = /^(22|23|54)/;

/** Behind a prefix, what no name reaches: the last character there is, more often than a topic id holds any. */
const BEYOND = "\u{10ffff}".repeat(129);

/** A place that Postgres can hold of what is "all". */
const bounded = (sequence: number): number => Math.max(0, Math.min(sequence, Number.MAX_SAFE_INTEGER));

/** Who holds consumers back: the oldest transaction that has a number. */
const OLDEST = `SELECT pid, datname, application_name, state FROM pg_stat_activity
  WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xid) DESC LIMIT 1`;

export class PostgresLogStorage implements PostgresLog {
  readonly shared = true;
  readonly #schema: string;
  readonly #place: LogPlace;
  readonly #queue: AppendQueue;
  readonly #patience: Patience;
  readonly #retentionOf: (target: TargetKey) => number;
  readonly #report: Report;
  readonly #listeners = new Set<() => void>();
  #text = plainText();
  #closing: Promise<void> | undefined;
  #sweeping = false;
  #swept = false;
  /** Calls that are not answered yet. */
  #openCalls = 0;
  #idle: (() => void) | undefined;

  constructor(options: PostgresLogOptions, retentionOf: (target: TargetKey) => number) {
    const { driver, schema = "calla", deadline = 10_000, appending = 4, clock = systemClock } = options;
    this.#schema = schema;
    this.#report = reporter(options.onError);
    this.#retentionOf = retentionOf;
    this.#place = new LogPlace({
      calls: postgresCalls({ driver, clock, deadline }),
      schema,
      identity: options.identity,
      tell: this.#report,
      replaced: () => {
        for (const listener of this.#listeners) listener();
      },
    });
    this.#queue = new AppendQueue({
      send: (batch) => this.#send(batch),
      calls: appending,
      targets: MOST_TARGETS,
      bytes: MOST_BYTES,
    });
    this.#patience = new Patience(clock, () => void this.#tellWhoHolds());
  }

  carryWith(serialiser: Serialiser): void {
    this.#text = textCodec(serialiser);
  }
  onReplaced(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  opened(): Promise<void> {
    return this.#counted(() => this.#place.found());
  }

  async open(target: TargetKey): Promise<Head | undefined> {
    const [row] = await this.#call("open", plainName(target));
    return row && headOf(row, this.#text);
  }
  async read(target: TargetKey, after: Cursor, limit: number): Promise<ReadResult> {
    const rows = await this.#call("read", plainName(target), after.sequence, after.mark, limit);
    return readResultOf(rows, this.#text);
  }
  async moved(places: readonly (readonly [TargetKey, Cursor])[]): Promise<readonly TargetKey[]> {
    if (places.length === 0) return [];
    const rows = await this.#call(
      "moved",
      places.map(([target]) => plainName(target)),
      places.map(([, { sequence }]) => sequence),
      places.map(([, { mark }]) => mark),
    );
    return rows.map((row) => places[numberIn(row, "n") - 1]![0]);
  }
  async client(target: TargetKey, clientId: string): Promise<ClientRow | undefined> {
    const rows = await this.#call("client", plainName(target), plainName(clientId));
    return clientRowOf(clientId, rows, this.#text);
  }

  async append(batch: readonly Append[]): Promise<readonly AppendResult[]> {
    for (const append of batch) checkDense(append);
    const prepared = batch.map((append) => this.#written(append));
    return this.#counted(async () => {
      const sent = this.#queue.add(prepared.filter((one) => "append" in one));
      const settled = await Promise.allSettled(sent);
      const failed = settled.filter((one) => one.status === "rejected");
      if (failed.length > 0 && failed.length === settled.length) throw failed[0]!.reason;
      let next = 0;
      return prepared.map((one): AppendResult => {
        if (!("append" in one)) return one;
        const result = settled[next++]!;
        return result.status === "fulfilled" ? result.value : { status: "unknown", error: result.reason };
      });
    });
  }

  /** What cannot be written keeps nothing else from being written. */
  #written(append: Append): Written | Extract<AppendResult, { status: "unknown" }> {
    try {
      return written(append, this.#text);
    } catch (error) {
      return { status: "unknown", error };
    }
  }

  async #send(batch: readonly Written[]): Promise<readonly AppendResult[]> {
    const missed = Math.min(MOST_MISSED, Math.floor(MOST_BROUGHT / batch.length));
    try {
      return this.#results(batch, await this.#place.call("append", columnsOf(batch, missed + 1)), missed);
    } catch (error) {
      const code = codeOf(error);
      if (code !== STATE_ROW && !OF_A_VALUE.test(code)) throw error;
      const [first] = batch;
      if (batch.length > 1) return await this.#apart(batch);
      // Nothing was done. What its client's row is now is found by `client`.
      if (code === STATE_ROW) return first === undefined ? [] : [{ status: "conflict" }];
      return [{ status: "unknown", error }];
    }
  }

  /** One of them has undone the call for all: each by itself. */
  async #apart(batch: readonly Written[]): Promise<readonly AppendResult[]> {
    const results: AppendResult[] = [];
    for (const one of batch) {
      try {
        results.push(...(await this.#send([one])));
      } catch (error) {
        results.push({ status: "unknown", error });
      }
    }
    return results;
  }

  #results(batch: readonly Written[], rows: readonly PostgresRow[], most: number): readonly AppendResult[] {
    const [head, ...missed] = rows;
    const fates = head === undefined ? "" : textIn(head, "status");
    const byNumber = new Map<number, PostgresRow[]>();
    for (const row of missed) {
      const n = numberIn(row, "n");
      const known = byNumber.get(n);
      if (known === undefined) byNumber.set(n, [row]);
      else known.push(row);
    }
    return batch.map(({ bytes }, i) => {
      if (fates[i] === "a") return { status: "appended", bytes };
      const found = byNumber.get(i + 1);
      return { status: "conflict", ...(found && wholeMissed(readResultOf(found, this.#text), most)) };
    });
  }

  async saveSnapshot(target: TargetKey, snapshot: LogSnapshot): Promise<void> {
    const { sequence, mark, version, at, model } = snapshot;
    const retention = this.#retentionOf(target);
    const most = bounded(sequence - retention);
    const text = this.#text.model.write(model);
    const rows = await this.#call("save", plainName(target), sequence, mark, version, at, text, most);
    if (retention !== Infinity && rows.some((row) => isTrue(row, "save"))) void this.#sweep();
  }

  async remove(target: TargetKey, at: number, unusedSince = Infinity): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const [row] = await this.#call("remove", plainName(target), at, unusedSince, attempt > REMOVALS);
      const done = row?.["remove"];
      if (done === "again") continue;
      if (done === "done") void this.#sweep();
      return done === "done";
    }
  }

  async list(prefix: string, from: string | undefined, limit: number): Promise<TargetPage> {
    const plain = plainName(prefix);
    // The text of one that has to be escaped ends with a quotation mark, which only the whole name's does.
    const begins = plain === prefix ? prefix : plain.slice(0, -1);
    const rows = await this.#call("list", begins, begins + BEYOND, from ?? "", limit);
    const targets = rows.map((row) => ({
      target: nameOfPlain(textIn(row, "name")),
      sequence: numberIn(row, "sequence"),
      at: numberIn(row, "at"),
      used: numberIn(row, "used"),
      removed: isTrue(row, "removed"),
    }));
    return { targets, next: rows.length < limit ? undefined : (rows.at(-1)?.["name"] ?? undefined) };
  }
  async bytes(): Promise<number> {
    const [row] = await this.#call("bytes");
    return row === undefined ? 0 : numberIn(row, "bytes");
  }

  async history(target: TargetKey, upTo: number, limit: number): Promise<HistoryPage> {
    const [head, ...rows] = await this.#call("history", plainName(target), bounded(upTo), limit);
    return {
      records: rows.map(recordsIn(this.#text)).toReversed(),
      from: head === undefined ? 0 : numberIn(head, "base"),
    };
  }
  async snapshotAt(target: TargetKey, sequence: number): Promise<LogSnapshot | undefined> {
    const [row] = await this.#call("snapshot_at", plainName(target), bounded(sequence));
    return row && snapshotOf(row, this.#text);
  }

  async changes(after: Position, limit: number, wanted?: (target: TargetKey) => boolean): Promise<Changes> {
    const from = placeOf(after);
    return this.#counted(() =>
      this.#patience.ask(async () => {
        const rows = await this.#place.call("changes", [from.tx, from.target, from.sequence, limit]);
        const [head, ...found] = rows;
        const isHeld = head !== undefined && isTrue(head, "held") && found.length < limit;
        const bound = isHeld ? (head["bound"] ?? undefined) : undefined;
        return { bound, answer: this.#changesIn(found, positionOf(from), wanted) };
      }),
    );
  }

  #changesIn(
    rows: readonly PostgresRow[],
    after: Position,
    wanted: (target: TargetKey) => boolean = () => true,
  ): Changes {
    const asRecord = recordsIn(this.#text);
    let position = after;
    const changes: Change[] = [];
    for (const row of rows) {
      position = positionOf({
        tx: textIn(row, "tx"),
        target: textIn(row, "target"),
        sequence: textIn(row, "sequence"),
      });
      const target = nameOfPlain(textIn(row, "name"));
      // Decoded only if it is wanted: what cannot be is no trouble of who does not ask for it.
      if (!wanted(target)) continue;
      const why = row["why"];
      changes.push(
        why === "removed" || why === "expired"
          ? { position, target, gone: why, sequence: numberIn(row, "sequence"), at: numberIn(row, "gone_at") }
          : { position, target, record: asRecord(row) },
      );
    }
    return { changes, position };
  }

  async claimConsumer(name: string, { owner, now, until, from }: Claim): Promise<ClaimResult> {
    const claim = [plainName(name), plainName(owner), now, until, from === "now"] as const;
    for (;;) {
      const answer = await this.#counted(() =>
        this.#patience.ask(async (last) => {
          const [row] = await this.#place.call("claim", [...claim, last]);
          return { bound: row?.["status"] === "wait" ? "claim" : undefined, answer: row };
        }),
      );
      if (answer?.["status"] === "held") {
        const { tx, target, sequence } = answer as unknown as Record<"tx" | "target" | "sequence", string>;
        return { status: "held", position: positionOf({ tx, target, sequence }) };
      }
      if (answer?.["status"] === "taken") return { status: "taken", until: numberIn(answer, "until") };
      // Dropped, or made, between two looks.
    }
  }
  async advanceConsumer(
    name: string,
    to: { readonly owner: string; readonly position: Position; readonly until: number },
  ): Promise<boolean> {
    const { tx, target, sequence } = placeOf(to.position);
    const owner = plainName(to.owner);
    const [row] = await this.#call("advance", plainName(name), owner, tx, target, sequence, to.until);
    const moved = row !== undefined && isTrue(row, "advance");
    if (moved) void this.#sweep();
    return moved;
  }
  async dropConsumer(name: string): Promise<void> {
    const [row] = await this.#call("drop_consumer", plainName(name));
    if (row !== undefined && isTrue(row, "drop_consumer")) void this.#sweep();
  }
  async consumers(): Promise<readonly LogConsumer[]> {
    const rows = await this.#call("consumers_known");
    return rows.map((row) => ({
      name: nameOfPlain(textIn(row, "name")),
      position: positionOf({
        tx: textIn(row, "tx"),
        target: textIn(row, "target"),
        sequence: textIn(row, "sequence"),
      }),
      owner: nameOfPlain(textIn(row, "owner")),
      until: numberIn(row, "until"),
    }));
  }

  async touch(targets: readonly TargetKey[], at: number): Promise<void> {
    await this.#call("touch", targets.map(plainName), at);
  }

  async expire(expiry: Expiry): Promise<Expired> {
    const { at, limit } = expiry;
    const sessions = await this.#expired("session", expiry.sessions, at, limit);
    const tombstones = await this.#expired("removed", expiry.tombstones, at, limit);
    const rows = await this.#expiredRows(expiry.rows, limit);
    await this.#expired("bare", expiry.rows, at, limit);
    const consumers = await this.#call("expire_consumers", expiry.consumers, limit);
    if (sessions.length + consumers.length > 0) void this.#sweep();
    return {
      sessions,
      tombstones,
      rows,
      consumers: consumers.map((row) => nameOfPlain(textIn(row, "name"))),
    };
  }
  async #expired(
    kind: "session" | "removed" | "bare",
    before: number,
    at: number,
    limit: number,
  ): Promise<TargetKey[]> {
    for (;;) {
      const rows = await this.#call("expire_targets", kind, before, at, limit);
      // The ages of some are right only now, and others may stand behind them.
      if (!rows.some((row) => isTrue(row, "again")))
        return rows.map((row) => nameOfPlain(textIn(row, "name")));
    }
  }
  async #expiredRows(before: number, limit: number): Promise<number> {
    for (let went = 0; ;) {
      const [row] = await this.#call("expire_clients", before, limit - went);
      went += row === undefined ? 0 : numberIn(row, "went");
      if (row === undefined || !isTrue(row, "again") || went >= limit) return went;
    }
  }

  identity(): Promise<string> {
    return this.#counted(() => this.#place.identity());
  }
  async secret(): Promise<Uint8Array | undefined> {
    const [row] = await this.#call("secret");
    return row === undefined ? undefined : new Uint8Array(Buffer.from(textIn(row, "secret"), "hex"));
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#openCalls > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    })();
    return this.#closing;
  }

  #call(name: CallName, ...values: PostgresValue[]): Promise<readonly PostgresRow[]> {
    return this.#counted(() => this.#place.call(name, values));
  }

  /** Closing waits for it. */
  async #counted<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined)
      throw new CallaError("closed", { schema: this.#schema }, `The log in ${this.#schema} has been closed.`);
    this.#openCalls++;
    try {
      const answer = await run();
      this.#sweepFirst();
      return answer;
    } finally {
      if (--this.#openCalls === 0) this.#idle?.();
    }
  }

  /** What a process that was killed has left. */
  #sweepFirst(): void {
    if (this.#swept) return;
    this.#swept = true;
    void this.#sweep();
  }

  /** Deletes what is no longer part of a history, some at a time, so that appends come in between. */
  async #sweep(): Promise<void> {
    if (this.#sweeping || this.#closing !== undefined) return;
    this.#sweeping = true;
    try {
      for (let more = true; more && this.#closing === undefined;)
        more = (await this.#call("sweep")).some((row) => isTrue(row, "sweep"));
    } catch {
      // Appends meet the same trouble and report it; what is left is swept later.
    } finally {
      this.#sweeping = false;
    }
  }

  async #tellWhoHolds(): Promise<void> {
    const [row] = await this.#place.query(OLDEST).catch(() => []);
    const who =
      row === undefined
        ? "a prepared transaction, or one that only an administrator can see"
        : `the transaction of process ${row["pid"]} (${row["application_name"] || "no name"}, database ${row["datname"]}, ${row["state"]})`;
    const todo = "End it; until then consumers of the log (`server.consume`) wait, and clients do not.";
    this.#report(
      refusal(
        "held-back",
        this.#schema,
        `what was committed cannot be ordered for 30 seconds by ${who}`,
        todo,
      ),
    );
  }
}
