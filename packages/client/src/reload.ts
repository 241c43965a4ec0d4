// What a page does when the server reports a newer version: it reloads, and never in a loop. Not here: who calls it
// (client.ts).
import type { Versions } from "./engine/records.ts";

/** As much of `sessionStorage` as is used. */
export interface Notes {
  /** What was noted under a key; null: nothing. */
  getItem(key: string): string | null;
  /** Notes it. What it throws counts as nothing noted. */
  setItem(key: string, value: string): void;
}

/** What `reloadOnce` takes; every option has a default. */
export interface ReloadOptions {
  /** Before the reload, such as storing what is unsent: `() => client.close()`. */
  readonly before?: () => unknown;
  /** This page was reloaded for these versions already and is as old as before, or nothing can be noted. */
  readonly onStuck?: (versions: Versions) => void;
  /** Default: `sessionStorage`, which a tab keeps over reloads. */
  readonly notes?: Notes;
  /** Default: `location.reload()`. Where there is none (a worker, React Native) `onStuck` is called. */
  readonly reload?: () => void;
}

const KEY = "calla:reloaded-for";
/** More versions than these are forgotten, the oldest first. */
const MOST = 50;

/**
 * For `onVersionMismatch`: reloads the page once per tab and version. Where that did not help (its files come from a
 * cache, or from a node that is not upgraded yet) it says so and does nothing.
 *
 * @example
 * const client = createClient({
 *   wiring, serialiser, transport, storage,
 *   onVersionMismatch: reloadOnce({ before: () => client.close(), onStuck: () => showReloadButton() }),
 * });
 */
export function reloadOnce({ before, onStuck, notes, reload = ownReload() }: ReloadOptions = {}): (
  versions: Versions,
) => void {
  let reloading = false;
  return (versions) => {
    if (reloading) return;
    const { protocol, slices } = versions;
    const name = JSON.stringify([
      protocol,
      ...Object.entries(slices).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ]);
    if (reload === undefined || !noted(notes, name)) return onStuck?.(versions);
    reloading = true;
    void (async () => before?.())()
      .catch(() => undefined)
      .then(reload);
  };
}

function ownReload(): (() => void) | undefined {
  const { location } = globalThis as { location?: Partial<Location> };
  return location?.reload && (() => location.reload?.());
}

/** True: it is noted now, and was not before. */
function noted(notes: Notes | undefined, name: string): boolean {
  try {
    const kept = notes ?? sessionStorage;
    const before: unknown = JSON.parse(kept.getItem(KEY) ?? "[]");
    const names = Array.isArray(before) ? before : [];
    if (names.includes(name)) return false;
    kept.setItem(KEY, JSON.stringify([...names, name].slice(-MOST)));
    // What is not kept would be forgotten by the reload, and the next page would reload again.
    return kept.getItem(KEY)?.includes(JSON.stringify(name).slice(1, -1)) === true;
  } catch {
    return false;
  }
}
