// The memory log's one order of all that it has taken, and the named consumers of it. An entry stays while its records
// are in their target or a consumer has not had them.
import type { TargetKey } from "@calla/shared";
import type { Change, Changes, Claim, ClaimResult, LogRecord, Position, LogConsumer } from "../log.ts";
import { numberOf } from "../position.ts";

/** One append, or one target that went. Its records stand at `first`, `first + 1` … */
interface ChangeEntry {
  readonly first: number;
  readonly target: TargetKey;
  readonly records: readonly LogRecord[];
  readonly gone?: { readonly gone: "removed" | "expired"; readonly sequence: number; readonly at: number };
}

/** Fewer dead entries than this are not worth a walk. */
const FEW_DEAD = 1_000;

/** Whether a target still has a record. */
type Has = (target: TargetKey, record: LogRecord) => boolean;

export class ChangeOrder {
  #entries: ChangeEntry[] = [];
  /** The position of what came last; the origin is 0. */
  #last = 0;
  /** Records that their targets have discarded since the last walk. */
  #dead = 0;
  readonly #consumers = new Map<string, { position: number; owner: string; until: number }>();
  readonly #has: Has;

  constructor(has: Has) {
    this.#has = has;
  }

  appended(target: TargetKey, records: readonly LogRecord[]): void {
    this.#entries.push({ first: this.#last + 1, target, records });
    this.#last += records.length;
  }

  gone(target: TargetKey, gone: NonNullable<ChangeEntry["gone"]>): void {
    this.#entries.push({ first: ++this.#last, target, records: [], gone });
    this.dropped(1); // nobody needs it but consumers
  }

  /** So many records have left their targets. */
  dropped(count: number): void {
    this.#dead += count;
    if (this.#dead < FEW_DEAD || this.#dead * 2 < this.#entries.length) return;
    this.#dead = 0;
    const floor = this.#floor();
    this.#entries = this.#entries.filter((entry) => this.#isKept(entry, floor));
  }

  after(position: Position, limit: number): Changes {
    const after = numberOf(position);
    const floor = this.#floor();
    const changes: Change[] = [];
    for (let i = this.#indexAfter(after); i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      const { target, first } = entry;
      if (entry.gone !== undefined && first > floor)
        changes.push({ position: String(first), target, ...entry.gone });
      for (const [n, record] of entry.records.entries()) {
        const at = first + n;
        if (at > after && changes.length < limit && (at > floor || this.#has(target, record)))
          changes.push({ position: String(at), target, record });
      }
      if (changes.length >= limit) return { changes, position: changes.at(-1)!.position };
    }
    return { changes, position: String(Math.max(after, this.#last)) };
  }

  claim(name: string, { owner, now, until, from }: Claim): ClaimResult {
    const known = this.#consumers.get(name);
    if (known !== undefined && known.owner !== owner && known.until > now)
      return { status: "taken", until: known.until };
    const position = known?.position ?? (from === "now" ? this.#last : 0);
    this.#consumers.set(name, { position, owner, until });
    return { status: "held", position: String(position) };
  }

  advance(name: string, to: { owner: string; position: Position; until: number }): boolean {
    const consumer = this.#consumers.get(name);
    if (consumer === undefined || consumer.owner !== to.owner) return false;
    consumer.position = Math.max(consumer.position, numberOf(to.position));
    consumer.until = to.until;
    return true;
  }

  drop(name: string): void {
    this.#consumers.delete(name);
  }

  consumers(): LogConsumer[] {
    return [...this.#consumers].map(([name, { position, owner, until }]) => ({
      name,
      position: String(position),
      owner,
      until,
    }));
  }

  /** Where the consumer stands that is furthest behind: what is after it is kept. */
  #floor(): number {
    let floor = this.#last;
    for (const { position } of this.#consumers.values()) floor = Math.min(floor, position);
    return floor;
  }

  #isKept({ first, target, records, gone }: ChangeEntry, floor: number): boolean {
    if (gone !== undefined) return first > floor;
    return first + records.length - 1 > floor || records.some((record) => this.#has(target, record));
  }

  /** The first entry that holds something after a position. */
  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { first, records } = this.#entries[middle]!;
      if (first + Math.max(1, records.length) - 1 > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
