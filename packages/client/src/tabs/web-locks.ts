// The browser's own locks: free as soon as their page is gone, crashed ones included.
import { CallaError, DEV } from "@calla/shared";
import type { Lock, Locks } from "./locks.ts";

/**
 * The Web Locks of this origin.
 *
 * @example
 * const storage = tabStorage({ store: () => myStore, locks: webLocks });
 *
 * @throws CallaError `storage` (`locks`): there are none, as on a page served without HTTPS.
 */
export const webLocks = (): Locks => locksOf(globalThis.navigator?.locks);

/** As much of the browser's `LockManager` as is used. */
export interface WebLockManager {
  request(
    name: string,
    options: { readonly steal: true } | { readonly ifAvailable: true },
    granted: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

export function locksOf(manager: WebLockManager | undefined): Locks {
  if (!manager)
    throw new CallaError(
      "storage",
      { reason: "locks" },
      DEV &&
        "This page has no Web Locks (is it served without HTTPS?), so its tabs cannot be told apart: nothing is kept.",
    );
  return {
    take: (name, steal) =>
      new Promise((resolve, reject) => {
        let release!: () => void;
        let lose!: () => void;
        const released = new Promise<void>((done) => (release = done));
        const lost = new Promise<void>((done) => (lose = done));
        const granted = (lock: unknown): Promise<void> | undefined => {
          resolve(lock ? ({ release, lost } satisfies Lock) : undefined);
          return lock ? released : undefined;
        };
        // Before it is granted a failure is the caller's; afterwards it means that somebody has stolen it.
        manager.request(name, steal ? { steal: true } : { ifAvailable: true }, granted).catch((error) => {
          lose();
          reject(error);
        });
      }),
    async taken() {
      const { held = [] } = await manager.query();
      return new Set(held.map(({ name = "" }) => name));
    },
  };
}
