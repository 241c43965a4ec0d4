// A log in memory: what a process remembers while it lives. It keeps what it is given by reference (records, outcomes
// and models are immutable values) and never forgets a target by itself. spec/logs.md.
import type { Random, TargetKey } from "@calla/shared";
import { systemRandom } from "../../base/clock.ts";
import { ChangeOrder } from "./change-order.ts";
import { History } from "./target-history.ts";
import { ClientRows } from "./client-rows.ts";
import { MOST_MISSED, wholeMissed } from "../log.ts";
import type { Expired, Expiry, LogStorage } from "../log.ts";

/** What `memoryLog` takes; every option has a default. */
export interface MemoryLogOptions {
  /**
   * Records kept although a saved snapshot covers them, so that subscribers catch up by records. Default 1,000: more than
   * `maxCatchUp` are a snapshot anyway, and what is kept is what the garbage collector walks. They begin at a stored
   * snapshot, so there may be up to twice as many.
   */
  readonly retention?: number;
  /** Whether several servers of this process append to this log. Default false. */
  readonly shared?: boolean;
  /** Where the secret comes from. Default: cryptographic chance. */
  readonly random?: Random;
}

/**
 * A log that lives as long as the process. Several servers may share one.
 *
 * @example
 * createServer({ wiring, serialiser, log: memoryLog() });
 */
export function memoryLog({
  retention = 1_000,
  shared = false,
  random = systemRandom,
}: MemoryLogOptions = {}): LogStorage {
  const targets = new Map<TargetKey, History>();
  const rows = new ClientRows();
  const listing = new Listing();
  const order = new ChangeOrder((target, record) => targets.get(target)?.has(record) ?? false);
  const words = (length: number) => Uint32Array.from({ length }, () => random.uint32());
  let secret: Uint8Array | undefined;
  let identity: string | undefined;
  return {
    shared,
    async open(target) {
      return targets.get(target)?.asHead();
    },
    async append(batch) {
      return batch.map((append) => {
        const { target, records } = append;
        const history = targets.get(target) ?? new History(target);
        if (rows.conflicts(append) || !history.append(append))
          return { status: "conflict", ...wholeMissed(history.read(append.expected, MOST_MISSED + 1)) };
        if (records.length > 0) {
          targets.set(target, history);
          order.appended(target, records);
        }
        rows.write(append);
        return { status: "appended" };
      });
    },
    async read(target, after, limit) {
      return (targets.get(target) ?? new History(target)).read(after, limit);
    },
    async moved(places) {
      return places
        .filter(([target, at]) => !(targets.get(target) ?? new History(target)).isAt(at))
        .map(([target]) => target);
    },
    async client(target, clientId) {
      return rows.get(target, clientId);
    },
    async saveSnapshot(target, snapshot) {
      const dropped = targets.get(target)?.save(snapshot, retention) ?? 0;
      if (dropped > 0) order.dropped(dropped);
    },
    async remove(target, at, unusedSince) {
      const history = targets.get(target);
      const dropped = history?.remove(at, unusedSince);
      if (history === undefined || dropped === undefined) return false;
      order.dropped(dropped);
      order.gone(target, { gone: "removed", sequence: history.asHead().sequence, at });
      return true;
    },
    async list(prefix, from, limit) {
      const names = listing.after(targets, prefix, from, limit);
      const next = names.length < limit ? undefined : names.at(-1);
      return { targets: names.map((name) => targets.get(name)!.asListed()), next };
    },
    async history(target, upTo, limit) {
      return (targets.get(target) ?? new History(target)).history(upTo, limit);
    },
    async snapshotAt(target, sequence) {
      return targets.get(target)?.snapshotAt(sequence);
    },
    async changes(after, limit) {
      return order.after(after, limit);
    },
    async claimConsumer(name, claim) {
      return order.claim(name, claim);
    },
    async advanceConsumer(name, to) {
      return order.advance(name, to);
    },
    async dropConsumer(name) {
      order.drop(name);
    },
    async consumers() {
      return order.consumers();
    },
    async touch(touched, at) {
      for (const target of touched) targets.get(target)?.touch(at);
    },
    async expire(expiry) {
      return expire(expiry, targets, rows, order);
    },
    async identity() {
      return (identity ??= Array.from(words(4), (word) => word.toString(16).padStart(8, "0")).join(""));
    },
    async secret() {
      secret ??= new Uint8Array(words(8).buffer);
      return secret.slice();
    },
    // Other servers may still use it, and there is nothing to free.
    async close() {},
  };
}

/** Names in order, so that a list of them goes on where it left off, whatever came or went since. */
class Listing {
  /** As they were when last sorted: many pages are asked for in a row, and sorting what is sorted is cheap. */
  #sorted: readonly TargetKey[] = [];

  after(
    targets: ReadonlyMap<TargetKey, unknown>,
    prefix: string,
    from: string | undefined,
    limit: number,
  ): readonly TargetKey[] {
    const known = this.#sorted;
    if (known.length !== targets.size || known.some((name) => !targets.has(name)))
      this.#sorted = [...targets.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    const names = this.#sorted;
    let [low, high] = [0, names.length];
    const isBefore = (name: TargetKey): boolean => (from === undefined ? name < prefix : name <= from);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(names[middle]!)) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < names.length && end - low < limit && names[end]!.startsWith(prefix)) end++;
    return names.slice(low, end);
  }
}

function expire(
  expiry: Expiry,
  targets: Map<TargetKey, History>,
  rows: ClientRows,
  order: ChangeOrder,
): Expired {
  const { at, limit } = expiry;
  const sessions: TargetKey[] = [];
  const tombstones: TargetKey[] = [];
  for (const [target, history] of targets) {
    const outlived = history.outlived(expiry);
    if (outlived === undefined) continue;
    const list = outlived === "session" ? sessions : tombstones;
    if (list.length >= limit) continue;
    list.push(target);
    targets.delete(target);
    if (outlived !== "session") continue;
    order.dropped(history.length);
    order.gone(target, { gone: "expired", sequence: history.asHead().sequence, at });
  }
  const consumers = order.consumers().filter(({ until }) => until < expiry.consumers);
  for (const { name } of consumers.slice(0, limit)) order.drop(name);
  return {
    sessions,
    tombstones,
    consumers: consumers.slice(0, limit).map(({ name }) => name),
    rows: rows.expire(expiry),
  };
}
