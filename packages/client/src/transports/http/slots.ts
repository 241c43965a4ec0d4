// How many streams a browser allows. Over HTTP/1.1 it opens six connections to an origin, all tabs together, and a
// stream occupies one: two tabs may hold one (a Web Lock each), the others poll, and four connections are left for
// POSTs, polls and the page itself. HTTP/2 and 3 have no such bound, and neither has Node.
import type { StreamSlots } from "./link.ts";

/** As much of Web Locks as is used. */
export interface SlotLocks {
  request(
    name: string,
    options: { readonly ifAvailable: true },
    hold: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

export const boundless: StreamSlots = { take: () => Promise.resolve(() => undefined) };

export function streamSlots(origin: string, most: number, locks: SlotLocks): StreamSlots {
  /** The lock's release, or undefined where another tab has it. */
  const lock = (name: string): Promise<(() => void) | undefined> =>
    new Promise((resolve) => {
      const take = async (): Promise<unknown> =>
        locks.request(name, { ifAvailable: true }, (held) => {
          if (held === null) return void resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        });
      // No right to locks (a sandboxed frame): it takes its chance, as where there are none.
      take().catch(() => resolve(() => undefined));
    });
  return {
    async take() {
      if (isMultiplexed(origin)) return () => undefined;
      for (let i = 0; i < most; i++) {
        const release = await lock(`calla-stream ${origin} ${i}`);
        if (release !== undefined) return release;
      }
      return undefined;
    },
  };
}

/** Whether one connection carries many streams, as far as the page can know. */
function isMultiplexed(origin: string): boolean {
  const { performance } = globalThis as { performance?: Performance };
  const entries = [
    ...(performance?.getEntriesByType?.("navigation") ?? []),
    ...(performance?.getEntriesByType?.("resource") ?? []),
  ] as (PerformanceEntry & { readonly nextHopProtocol?: string })[];
  const last = entries.findLast(
    ({ name, nextHopProtocol }) =>
      nextHopProtocol !== undefined && nextHopProtocol !== "" && name.startsWith(`${origin}/`),
  );
  return last?.nextHopProtocol === "h2" || last?.nextHopProtocol === "h3";
}
