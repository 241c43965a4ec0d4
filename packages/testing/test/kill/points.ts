// Where a server's process is killed: at a call of its log, before, during or after it, or whenever the test says.
import type { LogStorage } from "@calla/server";

/** Named by what has happened last. */
export const POINTS = [
  "updated", // decided, nothing appended
  "appending", // the append is on its way
  "appended", // durable, nobody told
  "acknowledged", // told
  "snapshotting", // the snapshot is on its way, and with it the compaction
  "snapshotted", // saved, and what it covers gone
  "any time",
] as const;
export type Point = (typeof POINTS)[number];

export interface Death {
  readonly point: Point;
  /** How many of such calls come first. */
  readonly calls: number;
  /** Milliseconds into what is under way. */
  readonly into: number;
  /** Says that it has appended before it has: the campaign must find out. */
  readonly lies: boolean;
}

/** The log, until `die` is called at the given point of it. */
export function dyingLog(log: LogStorage, { point, calls, into, lies }: Death, die: () => void): LogStorage {
  let left = calls;
  const now = (): boolean => left-- === 0;
  /** Into the work of another thread: timers are too coarse, and this one has nothing else to do. */
  const soon = (): void => {
    const until = performance.now() + into;
    const wait = (): void => (performance.now() < until ? void setImmediate(wait) : die());
    wait();
  };
  const dying: Pick<LogStorage, "append" | "saveSnapshot"> = {
    async append(batch) {
      if (point === "updated" && now()) die();
      if (point === "appending" && now()) soon();
      const appending = log.append(batch);
      if (lies) return batch.map(() => ({ status: "appended" }));
      const results = await appending;
      if (point === "appended" && now()) die();
      // Frames leave with the turn in which this resolves, and are on the socket a turn later.
      if (point === "acknowledged" && now()) setImmediate(() => setImmediate(die));
      return results;
    },
    async saveSnapshot(...snapshot) {
      if (point === "snapshotting" && now()) soon();
      await log.saveSnapshot(...snapshot);
      if (point === "snapshotted" && now()) die();
    },
  };
  // A log may be an object of a class with private fields: its methods are its own.
  return new Proxy(log, {
    get(target, name) {
      if (name in dying) return dying[name as keyof typeof dying];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
