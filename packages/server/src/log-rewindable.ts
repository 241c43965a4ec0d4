// For tests: a log whose targets can be put back to an earlier moment, as by a restored backup or a failover to a
// replica that lagged. It remembers all that passes through it, so only logs that begin empty can be wrapped.
import type { TargetKey } from "@calla/shared";
import type { Append, LogSnapshot, LogStorage } from "./log.ts";

/** A log that can lose its latest history. */
export interface RewindableLog extends LogStorage {
  /**
   * Puts the target back to when its head was at or below `toSequence`: records, rows, snapshots and removals alike. An
   * append is there whole or not at all. Returns the sequence it went back to. What is written from then on is another
   * history: its marks differ, for a mark is made of all that a record holds.
   */
  rewind(target: TargetKey, toSequence: number): Promise<number>;
}

type Step =
  | { readonly do: "append"; readonly append: Append }
  | { readonly do: "save"; readonly snapshot: LogSnapshot }
  | { readonly do: "remove" };

interface Life {
  /** The target's name in the inner log. A rewound target goes on under another one. */
  readonly name: TargetKey;
  readonly steps: Step[];
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
  let rewinds = 0;
  const lifeOf = (target: TargetKey): Life => {
    const life = lives.get(target) ?? { name: target, steps: [] };
    lives.set(target, life);
    return life;
  };
  const nameOf = (target: TargetKey): TargetKey => lives.get(target)?.name ?? target;

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
  async function remove(target: TargetKey): Promise<void> {
    const life = lifeOf(target);
    await inner.remove(life.name);
    life.steps.push({ do: "remove" });
  }

  return {
    shared: inner.shared,
    open: (target) => inner.open(nameOf(target)),
    append,
    read: (target, after, limit) => inner.read(nameOf(target), after, limit),
    client: (target, clientId) => inner.client(nameOf(target), clientId),
    saveSnapshot,
    remove,
    secret: () => inner.secret(),
    close: () => inner.close(),
    async rewind(target, toSequence) {
      const before = lifeOf(target).steps;
      const past = before.findIndex((step) => step.do === "append" && endOf(step.append) > toSequence);
      const kept = past === -1 ? before.slice() : before.slice(0, past);
      rewinds++;
      lives.set(target, { name: `${target}\u0000${rewinds}`, steps: [] });
      let sequence = 0;
      for (const step of kept) {
        if (step.do === "append") {
          await append([{ ...step.append, target }]);
          sequence = endOf(step.append);
        } else if (step.do === "save") await saveSnapshot(target, step.snapshot);
        else await remove(target);
      }
      return sequence;
    },
  };
}

const endOf = ({ expected, records }: Append): number => expected.sequence + records.length;
