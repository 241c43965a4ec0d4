// A log that keeps some targets in a file and others in memory.
import type { TargetKey } from "@calla/shared";
import type { Append, AppendResult, LogStorage } from "../log.ts";

/** Every target is in one of both, by name. */
export function splitLog(
  file: LogStorage,
  memory: LogStorage,
  inMemory: (target: TargetKey) => boolean,
): LogStorage {
  const of = (target: TargetKey): LogStorage => (inMemory(target) ? memory : file);
  return {
    shared: file.shared,
    carryWith: (serialiser) => file.carryWith?.(serialiser),
    onReplaced: (listener) => file.onReplaced?.(listener) ?? (() => {}),
    open: (target) => of(target).open(target),
    async append(batch) {
      const results: AppendResult[] = Array.from({ length: batch.length });
      const put = async (log: LogStorage, indexes: readonly number[]): Promise<void> => {
        if (indexes.length === 0) return;
        const part: readonly Append[] = indexes.map((index) => batch[index]!);
        // What one of both did is not in doubt because the other failed.
        const told = await log
          .append(part)
          .catch((error: unknown) => part.map((): AppendResult => ({ status: "unknown", error })));
        indexes.forEach((index, i) => (results[index] = told[i]!));
      };
      const indexes = batch.map((_, index) => index);
      await Promise.all([
        put(
          memory,
          indexes.filter((index) => inMemory(batch[index]!.target)),
        ),
        put(
          file,
          indexes.filter((index) => !inMemory(batch[index]!.target)),
        ),
      ]);
      return results;
    },
    read: (target, after, limit) => of(target).read(target, after, limit),
    ...(file.moved &&
      memory.moved && {
        async moved(places) {
          const [here, there] = await Promise.all([
            memory.moved!(places.filter(([target]) => inMemory(target))),
            file.moved!(places.filter(([target]) => !inMemory(target))),
          ]);
          return [...here, ...there];
        },
      }),
    client: (target, clientId) => of(target).client(target, clientId),
    saveSnapshot: (target, snapshot) => of(target).saveSnapshot(target, snapshot),
    remove: (target, at, unusedSince) => of(target).remove(target, at, unusedSince),
    async list(prefix, from, limit) {
      // What is in memory first, then what is in the file: "m" and "f" before the place say in which.
      const inFile = from?.startsWith("f") === true;
      const page = await (inFile ? file : memory).list(prefix, from?.slice(1) || undefined, limit);
      if (inFile) return { ...page, next: page.next && `f${page.next}` };
      return { ...page, next: page.next === undefined ? "f" : `m${page.next}` };
    },
    ...(file.bytes && { bytes: () => file.bytes!() }),
    history: (target, upTo, limit) => of(target).history(target, upTo, limit),
    snapshotAt: (target, sequence) => of(target).snapshotAt(target, sequence),
    // What consumers read must survive the process: the order is the file's.
    changes: (after, limit, wanted) => file.changes(after, limit, wanted),
    claimConsumer: (name, claim) => file.claimConsumer(name, claim),
    advanceConsumer: (name, to) => file.advanceConsumer(name, to),
    dropConsumer: (name) => file.dropConsumer(name),
    consumers: () => file.consumers(),
    async touch(targets, at) {
      await memory.touch(
        targets.filter((target) => inMemory(target)),
        at,
      );
      await file.touch(
        targets.filter((target) => !inMemory(target)),
        at,
      );
    },
    async expire(expiry) {
      const [here, there] = [await memory.expire(expiry), await file.expire(expiry)];
      return {
        sessions: [...here.sessions, ...there.sessions],
        tombstones: [...here.tombstones, ...there.tombstones],
        consumers: there.consumers,
        rows: here.rows + there.rows,
      };
    },
    ...(file.identity && { identity: () => file.identity!() }),
    secret: () => file.secret(),
    close: () => file.close(),
  };
}
