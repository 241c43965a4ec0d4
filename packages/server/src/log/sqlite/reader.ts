// What is in the file, read in this thread: a reader of a write-ahead log waits for no writer, and what is read must be
// decoded here anyway. Each method sees one moment of the database.
import type BetterSqlite3 from "better-sqlite3";
import type { Cursor, TargetKey } from "@calla/shared";
import type {
  Author,
  Change,
  Changes,
  ClientRow,
  Expiry,
  Head,
  HistoryPage,
  ListedTarget,
  LogRecord,
  LogSnapshot,
  LogConsumer,
  ReadResult,
  TargetPage,
} from "../log.ts";
import { LAST, OWN } from "./statements.ts";
import { DAY } from "./tables.ts";
import { nameOfPlain, plainName } from "../plain-name.ts";
import type { TextCodec } from "../text.ts";

interface TargetRow extends Cursor {
  readonly id: number;
  readonly version: number;
  readonly at: number;
  readonly removed: number;
  readonly base_sequence: number;
  readonly base_mark: number;
}
interface SnapshotRow extends Omit<LogSnapshot, "model"> {
  readonly model: string;
}
interface RecordRow extends Omit<LogRecord, "author" | "messages" | "model"> {
  readonly author: string | null;
  readonly user: string | null;
  readonly messages: string;
  readonly model: string | null;
}
interface GoneRow extends Cursor {
  readonly position: number;
  readonly target: string;
  readonly why: "removed" | "expired";
  readonly at: number;
}

interface ListedRow extends Omit<ListedTarget, "target" | "removed"> {
  readonly name: string;
  readonly removed: number;
}

/** A client's row and when it was last written. */
export interface AgedRow {
  readonly target: string;
  readonly client: string;
  readonly at: number;
}

const RECORD = `records.sequence, records.mark, records.version, records.at, author, user, mid, records.id, messages, model`;

/** Statements by what they find. */
const prepare = (db: BetterSqlite3.Database) => ({
  target: db.prepare<[string], TargetRow>(
    `SELECT id, sequence, mark, version, at, removed, base_sequence, base_mark FROM targets WHERE name = ?`,
  ),
  head: db.prepare<[string], Cursor>(`SELECT sequence, mark FROM targets WHERE name = ?`),
  snapshot: db.prepare<[number, number], SnapshotRow>(
    `SELECT sequence, mark, version, at, model FROM snapshots
     WHERE target = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1`,
  ),
  mark: db
    .prepare<[number, number], number>(`SELECT mark FROM records WHERE target = ? AND sequence = ?`)
    .pluck(),
  records: db.prepare<[number, number, number], RecordRow>(
    `SELECT ${RECORD} FROM records WHERE target = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
  ),
  history: db.prepare<[number, number, number, number], RecordRow>(
    `SELECT ${RECORD} FROM records WHERE target = ? AND sequence > ? AND sequence <= ?
     ORDER BY sequence DESC LIMIT ?`,
  ),
  client: db.prepare<[string, string], { last: number; settled: number; outcomes: string; more: number }>(
    `SELECT last, settled, outcomes, more FROM clients WHERE target = ? AND client = ? AND mid = ${OWN}`,
  ),
  outcomes: db
    .prepare<[string, string], string>(
      `SELECT outcomes FROM clients WHERE target = ? AND client = ? AND mid < ${OWN} ORDER BY mid`,
    )
    .pluck(),
  last: db.prepare<[], number>(`SELECT ${LAST}`).pluck(),
  floor: db.prepare<[], number | null>(`SELECT min(position) FROM readers`).pluck(),
  changes: db.prepare<[number, number, number], RecordRow & { position: number; name: string }>(
    `SELECT position, coalesce(name, former) AS name, ${RECORD}
     FROM records JOIN targets ON targets.id = target
     WHERE position > ? AND (position > ? OR records.sequence > base_sequence) ORDER BY position LIMIT ?`,
  ),
  gone: db.prepare<[number, number], GoneRow>(
    `SELECT position, target, why, sequence, at FROM gone WHERE position > ? ORDER BY position LIMIT ?`,
  ),
  consumers: db.prepare<[], { name: string; position: number; owner: string; until: number }>(
    `SELECT name, position, owner, until FROM readers ORDER BY name`,
  ),
  idle: db
    .prepare<[number, number], string>(
      // Left to itself SQLite goes through the names of all sessions: 17 ms of 200,000 at each step, not 0.01.
      `SELECT name FROM targets INDEXED BY sessions_by_use
       WHERE name >= '@' AND name < 'A' AND removed = 0 AND used < ? ORDER BY used LIMIT ?`,
    )
    .pluck(),
  tombstones: db
    .prepare<[number, number], string>(
      `SELECT name FROM targets WHERE removed = 1 AND used < ? ORDER BY used LIMIT ?`,
    )
    .pluck(),
  clients: db.prepare<[{ day: number; rows: number; limit: number }], AgedRow>(
    `SELECT target, client, at FROM clients WHERE day <= @day AND (day < @day OR at < @rows)
     ORDER BY day LIMIT @limit`,
  ),
  abandoned: db.prepare<[number, number], string>(`SELECT name FROM readers WHERE until < ? LIMIT ?`).pluck(),
  list: db.prepare<[string, string, string, number], ListedRow>(
    `SELECT name, sequence, at, used, removed FROM targets
     WHERE name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?`,
  ),
  bytes: db
    .prepare<[], number>(`SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`)
    .pluck(),
  identity: db.prepare<[], string>(`SELECT value FROM settings WHERE name = 'identity'`).pluck(),
  secret: db.prepare<[], string>(`SELECT value FROM settings WHERE name = 'secret'`).pluck(),
});

export class Reader {
  readonly #find: ReturnType<typeof prepare>;
  readonly #atOnce: <T>(run: () => T) => T;

  constructor(db: BetterSqlite3.Database) {
    this.#find = prepare(db);
    this.#atOnce = (run) => db.transaction(run)();
  }

  open(target: TargetKey, text: TextCodec): Head | undefined {
    return this.#atOnce(() => {
      const found = this.#find.target.get(plainName(target));
      if (found === undefined) return undefined;
      const { sequence, mark, version, at, removed } = found;
      const snapshot = this.#snapshot(found, sequence, text);
      return { sequence, mark, version, at, snapshot, removed: removed === 1 };
    });
  }

  read(target: TargetKey, after: Cursor, limit: number, text: TextCodec): ReadResult {
    return this.#atOnce(() => {
      const found = this.#find.target.get(plainName(target)) ?? NEVER;
      if (after.sequence === found.sequence && after.mark === found.mark)
        return { status: "records", records: [] };
      const mark = this.#markAt(found, after.sequence);
      if (mark === undefined && after.sequence > 0 && after.sequence < found.base_sequence)
        return { status: "compacted" };
      if (mark !== after.mark) return { status: "other-history" };
      if (after.sequence < found.base_sequence) return { status: "compacted" };
      const rows = this.#find.records.all(found.id, after.sequence, limit);
      const asRecord = recordsIn(text);
      return { status: "records", records: rows.map(asRecord) };
    });
  }

  moved(places: readonly (readonly [TargetKey, Cursor])[]): readonly TargetKey[] {
    return this.#atOnce(() =>
      places
        .filter(([target, at]) => {
          const { sequence, mark } = this.#find.head.get(plainName(target)) ?? NEVER;
          return sequence !== at.sequence || mark !== at.mark;
        })
        .map(([target]) => target),
    );
  }

  client(target: TargetKey, clientId: string, text: TextCodec): ClientRow | undefined {
    return this.#atOnce(() => {
      const key = [plainName(target), plainName(clientId)] as const;
      const row = this.#find.client.get(...key);
      if (row === undefined) return undefined;
      const { last, settled, outcomes, more } = row;
      const parts = [outcomes, ...(more > 0 ? this.#find.outcomes.all(...key) : [])];
      const known = parts.flatMap((part) => (part === "" ? [] : text.outcomes.read(part)));
      return { clientId, last, settled, outcomes: known.filter(({ mid }) => mid > settled) };
    });
  }

  history(target: TargetKey, upTo: number, limit: number, text: TextCodec): HistoryPage {
    return this.#atOnce(() => {
      const { id, base_sequence: from } = this.#find.target.get(plainName(target)) ?? NEVER;
      const rows = this.#find.history.all(id, from, upTo, limit).toReversed();
      const asRecord = recordsIn(text);
      return { records: rows.map(asRecord), from };
    });
  }

  snapshotAt(target: TargetKey, sequence: number, text: TextCodec): LogSnapshot | undefined {
    return this.#atOnce(() => {
      const found = this.#find.target.get(plainName(target));
      return found && this.#snapshot(found, sequence, text);
    });
  }

  /** All that was committed has its position: there is one writer at a time, and it counts on. */
  changes(
    after: number,
    limit: number,
    text: TextCodec,
    wanted: (target: TargetKey) => boolean = () => true,
  ): Changes {
    return this.#atOnce(() => {
      const last = this.#find.last.get()!;
      const floor = this.#find.floor.get() ?? last;
      const asRecord = recordsIn(text);
      const records = this.#find.changes.all(after, floor, limit).map(({ position, name, ...row }) => {
        const target = nameOfPlain(name);
        // Decoded only if it is wanted: what cannot be is no trouble of who does not ask for it.
        const change: Change | undefined = wanted(target)
          ? { position: String(position), target, record: asRecord(row) }
          : undefined;
        return { position, change };
      });
      const gone = this.#find.gone.all(Math.max(after, floor), limit).map((row) => {
        const { position, target, why, sequence, at } = row;
        const change: Change = {
          position: String(position),
          target: nameOfPlain(target),
          gone: why,
          sequence,
          at,
        };
        return { position, change };
      });
      const found = [...records, ...gone].toSorted((a, b) => a.position - b.position).slice(0, limit);
      const position = found.length < limit ? Math.max(after, last) : (found.at(-1)?.position ?? after);
      return { changes: found.flatMap(({ change }) => change ?? []), position: String(position) };
    });
  }

  consumers(): readonly LogConsumer[] {
    return this.#find.consumers.all().map(({ name, position, owner, until }) => ({
      name: nameOfPlain(name),
      position: String(position),
      owner: nameOfPlain(owner),
      until,
    }));
  }

  /** In the order of the column's own texts. */
  list(prefix: string, from: string | undefined, limit: number): TargetPage {
    const written = plainName(prefix);
    // The text of one that has to be escaped ends with a quotation mark, which only the whole name's does.
    const begins = written === prefix ? prefix : written.slice(0, -1);
    const rows = this.#find.list.all(begins, begins + BEYOND, from ?? "", limit);
    const targets = rows.map(({ name, removed, ...row }) => ({
      target: nameOfPlain(name),
      ...row,
      removed: removed === 1,
    }));
    return { targets, next: rows.length < limit ? undefined : rows.at(-1)?.name };
  }

  bytes(): number {
    return this.#find.bytes.get()!;
  }

  /** What is too old, by the columns' own texts. */
  expired({ sessions, tombstones, consumers, limit }: Expiry) {
    return this.#atOnce(() => ({
      sessions: this.#find.idle.all(sessions, limit),
      tombstones: this.#find.tombstones.all(tombstones, limit),
      consumers: this.#find.abandoned.all(consumers, limit),
    }));
  }

  /** Client rows that are too old by their day, which says when they were first written. */
  aged({ rows, limit }: Expiry): readonly AgedRow[] {
    return this.#find.clients.all({ day: Math.floor(rows / DAY), rows, limit });
  }

  identity(): string {
    return this.#find.identity.get() ?? "";
  }

  secret(): Uint8Array | undefined {
    const hexadecimal = this.#find.secret.get();
    return hexadecimal === undefined ? undefined : new Uint8Array(Buffer.from(hexadecimal, "hex"));
  }

  #snapshot({ id }: TargetRow, sequence: number, text: TextCodec): LogSnapshot | undefined {
    const row = this.#find.snapshot.get(id, sequence);
    return row && { ...row, model: text.model.read(row.model) };
  }

  #markAt({ id, base_sequence, base_mark }: TargetRow, sequence: number): number | undefined {
    if (sequence === 0) return 0;
    if (sequence === base_sequence) return base_mark;
    // Deleted records may still lie below the base.
    return sequence < base_sequence ? undefined : this.#find.mark.get(id, sequence);
  }
}

/** Behind a prefix, what no name reaches: the last character there is, more often than a topic id holds any. */
const BEYOND = "\u{10ffff}".repeat(129);

/** A target that never was. */
const NEVER: TargetRow = {
  id: -1,
  sequence: 0,
  mark: 0,
  version: 0,
  at: 0,
  removed: 0,
  base_sequence: 0,
  base_mark: 0,
};

/** Records of one author share it, as the engine's do: it is hashed once. */
function recordsIn(text: TextCodec): (row: RecordRow) => LogRecord {
  const authors = new Map<string, Author>();
  const authorOf = (client: string, user: string | null): Author => {
    const known = authors.get(client);
    const userId = user === null ? null : nameOfPlain(user);
    if (known !== undefined && known.userId === userId) return known;
    const author = { clientId: nameOfPlain(client), userId };
    authors.set(client, author);
    return author;
  };
  return ({ sequence, mark, version, at, author, user, mid, id, messages, model }) => ({
    sequence,
    mark,
    version,
    at,
    author: author === null ? null : authorOf(author, user),
    mid,
    id: nameOfPlain(id),
    messages: text.messages.read(messages),
    ...(model === null ? {} : { model: { value: text.model.read(model) } }),
  });
}
