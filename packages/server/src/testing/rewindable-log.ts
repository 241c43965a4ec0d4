// For tests: a log whose targets can be put back to an earlier moment, as by a restored backup or a failover to a
// replica that lagged. It remembers all that passes through it, so only logs that begin empty can be wrapped.
import type { TargetKey } from "@calla/shared";
import type {
  Append,
  Change,
  Expired,
  Expiry,
  ListedTarget,
  LogSnapshot,
  LogStorage,
  Position,
  TargetPage,
} from "../log/log.ts";

/** A log that can lose its latest history. */
export interface RewindableLog extends LogStorage {
  /**
   * Puts the target back to when its head was at or below `toSequence`: records, rows, snapshots and removals alike. An
   * append is there whole or not at all. Returns the sequence it went back to. What is written from then on is another
   * history: its marks differ, for a mark is made of all that a record holds.
   */
  rewind(target: TargetKey, toSequence: number): Promise<number>;
}

type RewindStep =
  | { readonly do: "append"; readonly append: Append }
  | { readonly do: "save"; readonly snapshot: LogSnapshot }
  | { readonly do: "remove"; readonly at: number };

interface Life {
  /** The target's name in the inner log. A rewound target goes on under another one. */
  readonly name: TargetKey;
  readonly steps: RewindStep[];
}

/**
 * Wraps an empty log so that its targets can be rewound. Several servers share one wrapper, not several around one log.
 *
 * @example
 * const log = rewindableLog(memoryLog({ shared: true }));
 * await log.rewind("board:42", 10);
 */
export function rewindableLog(inner: LogStorage): RewindableLog {
  const lives = new Map<TargetKey, Life>();
  /** The target that a name in the inner log stands for, where it is not its own. */
  const renamed = new Map<TargetKey, TargetKey>();
  const lifeOf = (target: TargetKey): Life => {
    const life = lives.get(target) ?? { name: target, steps: [] };
    lives.set(target, life);
    return life;
  };
  const nameOf = (target: TargetKey): TargetKey => lives.get(target)?.name ?? target;
  const targetOf = (name: TargetKey): TargetKey => renamed.get(name) ?? name;

  /** Keeps the steps in the order in which the inner log took them, and does them. */
  async function append(batch: readonly Append[]) {
    const taken = batch.map((one) => ({ one, life: lifeOf(one.target) }));
    const results = await inner.append(taken.map(({ one, life }) => ({ ...one, target: life.name })));
    for (const [i, { one, life }] of taken.entries()) {
      if (results[i]?.status === "appended") life.steps.push({ do: "append", append: one });
    }
    return results;
  }
  async function saveSnapshot(target: TargetKey, snapshot: LogSnapshot): Promise<void> {
    const life = lifeOf(target);
    await inner.saveSnapshot(life.name, snapshot);
    life.steps.push({ do: "save", snapshot });
  }
  async function remove(target: TargetKey, at: number, unusedSince?: number): Promise<boolean> {
    const life = lifeOf(target);
    const removed = await inner.remove(life.name, at, unusedSince);
    if (removed) life.steps.push({ do: "remove", at });
    return removed;
  }
  async function list(prefix: string, from: string | undefined, limit: number): Promise<TargetPage> {
    const page = await inner.list(prefix, from, limit);
    const targets = page.targets.flatMap((listed): ListedTarget[] => {
      const target = targetOf(listed.target);
      return nameOf(target) === listed.target ? [{ ...listed, target }] : [];
    });
    return { ...page, targets };
  }
  /** What expired is as if it had never been: its name is free again, and its life forgotten. */
  async function expire(expiry: Expiry): Promise<Expired> {
    const expired = await inner.expire(expiry);
    const targets = (names: readonly TargetKey[]): TargetKey[] =>
      names.flatMap((name) => {
        const target = targetOf(name);
        if (nameOf(target) !== name) return []; // of a life that a rewind has ended
        lives.set(target, { name, steps: [] });
        return [target];
      });
    return { ...expired, sessions: targets(expired.sessions), tombstones: targets(expired.tombstones) };
  }
  /** A rewound target's former lives are no part of the order: a backup does not hold what came after it. */
  async function changes(after: Position, limit: number, wanted?: (target: TargetKey) => boolean) {
    const found = await inner.changes(after, limit, wanted && ((name) => wanted(targetOf(name))));
    const current = found.changes.flatMap((change): Change[] => {
      const target = targetOf(change.target);
      return nameOf(target) === change.target ? [{ ...change, target }] : [];
    });
    return { ...found, changes: current };
  }

  return {
    shared: inner.shared,
    carryWith: (serialiser) => inner.carryWith?.(serialiser),
    onReplaced: (listener) => inner.onReplaced?.(listener) ?? (() => {}),
    open: (target) => inner.open(nameOf(target)),
    append,
    read: (target, after, limit) => inner.read(nameOf(target), after, limit),
    ...(inner.moved && {
      moved: async (places) =>
        (await inner.moved!(places.map(([target, at]) => [nameOf(target), at] as const))).map(targetOf),
    }),
    client: (target, clientId) => inner.client(nameOf(target), clientId),
    saveSnapshot,
    remove,
    list,
    history: (target, upTo, limit) => inner.history(nameOf(target), upTo, limit),
    snapshotAt: (target, sequence) => inner.snapshotAt(nameOf(target), sequence),
    changes,
    claimConsumer: (name, claim) => inner.claimConsumer(name, claim),
    advanceConsumer: (name, to) => inner.advanceConsumer(name, to),
    dropConsumer: (name) => inner.dropConsumer(name),
    consumers: () => inner.consumers(),
    touch: (targets, at) => inner.touch(targets.map(nameOf), at),
    expire,
    ...(inner.identity && { identity: () => inner.identity!() }),
    secret: () => inner.secret(),
    close: () => inner.close(),
    async rewind(target, toSequence) {
      const before = lifeOf(target).steps;
      const past = before.findIndex((step) => step.do === "append" && endOf(step.append) > toSequence);
      const kept = past === -1 ? before.slice() : before.slice(0, past);
      // Of characters that no topic has, and that every engine holds.
      const name = `${target}\u0001${renamed.size + 1}`;
      renamed.set(name, target);
      lives.set(target, { name, steps: [] });
      let sequence = 0;
      for (const step of kept) {
        if (step.do === "append") {
          // A row may have expired, and its client begun anew, where it is still there now.
          const rows = await Promise.all(
            step.append.rows.map(async (row) => ({
              ...row,
              was: (await inner.client(name, row.clientId))?.last ?? row.was,
            })),
          );
          await append([{ ...step.append, target, rows }]);
          sequence = endOf(step.append);
        } else if (step.do === "save") await saveSnapshot(target, step.snapshot);
        else await remove(target, step.at);
      }
      return sequence;
    },
  };
}

const endOf = ({ expected, records }: Append): number => expected.sequence + records.length;
