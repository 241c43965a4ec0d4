// A client's storage as a page that may crash sees it: commits take a while, a crash loses those under way, and the next
// page finds what was committed. One storage is one client's; the pages that open it follow each other.
import { memoryStorage } from "@calla/client";
import type { Storage } from "@calla/client";
import { inside } from "@calla/client/testing";
import type { PageStorage, StorageChange } from "@calla/client/testing";
import type { Clock } from "@calla/shared";

/** Where a commit stands: asked for, durable, or refused (nothing of it is stored). */
export type CommitStage = "asked" | "durable" | "failed";

const isOfModels = ({ type }: StorageChange): boolean => type === "model" || type === "drop-model";

/** Where between commits something happens. */
export interface CommitBoundary {
  readonly count: number;
  readonly side: "before" | "after";
}

/** One client's storage, in the test's hands. */
export interface CrashableStorage {
  /** What the next page is given. The page before it is gone: its commits under way are lost, its promises never kept. */
  open(): Storage;
  /** The same, but commits under way still reach the disk: the page went, the machine did not. */
  reopen(): Storage;
  /** The next commits fail, so many of them; those of models fail meanwhile and are not counted. */
  failNext(count: number): void;
  /**
   * Calls back at a boundary between two commits: when the one after `count` more is about to reach the disk, or has
   * reached it and the page has not heard of it yet. Crash the page there. `undefined` takes it back.
   */
  crashAt(boundary: CommitBoundary | undefined, crash?: () => void): void;
  readonly fired: { lost: number; failed: number };
}

/** What `crashableStorage` takes. */
export interface CrashableStorageOptions {
  readonly clock: Clock;
  /** Milliseconds until a commit is durable; 0 by default: at the end of the turn. */
  readonly delay?: () => number;
  /** Where it is kept. Default: in memory. */
  readonly inner?: Storage;
  /** Called when a commit is asked for, and when it is durable or has failed. Default: nothing is. */
  readonly onCommit?: (changes: readonly StorageChange[], stage: CommitStage) => void;
}

interface Page {
  alive: boolean;
  readonly underWay: {
    changes: readonly StorageChange[];
    done: () => void;
    failed: (error: Error) => void;
  }[];
}

/**
 * A storage that commits late and forgets what was not committed when its page crashes.
 *
 * @example
 * const disk = crashableStorage({ clock, delay: () => 20 });
 * let client = createClient({ …, storage: disk.open() });
 * client = createClient({ …, storage: disk.open() }); // after a crash
 */
export function crashableStorage(options: CrashableStorageOptions): CrashableStorage {
  const { clock, delay, onCommit } = options;
  const inner = inside(options.inner ?? memoryStorage());
  const fired = { lost: 0, failed: 0 };
  let page: Page | undefined;
  let failures = 0;
  let trap: { left: number; readonly side: "before" | "after"; readonly crash: () => void } | undefined;

  /** Whether the page is gone by what was arranged for this side of this commit. */
  function sprung(side: "before" | "after"): boolean {
    if (trap?.side !== side || trap.left-- > 0) return false;
    const { crash } = trap;
    trap = undefined;
    crash();
    return true;
  }

  /** In the order of the calls, one after the other. */
  async function commitNext(mine: Page): Promise<void> {
    if (!mine.alive || mine.underWay.length === 0 || sprung("before")) return;
    const next = mine.underWay.shift()!;
    if (failures > 0) {
      if (!next.changes.every(isOfModels)) failures--;
      fired.failed++;
      onCommit?.(next.changes, "failed");
      next.failed(new Error("The disk refused the commit."));
      return;
    }
    await inner.commit(next.changes);
    onCommit?.(next.changes, "durable");
    if (mine.alive && !sprung("after")) next.done();
  }

  function turnPage(finish: boolean): PageStorage {
    if (page !== undefined) {
      const left = page.underWay.splice(0);
      page.alive = false;
      if (!finish) fired.lost += left.length;
      else
        for (const { changes } of left) {
          void inner.commit(changes);
          onCommit?.(changes, "durable");
        }
    }
    const mine: Page = { alive: true, underWay: [] };
    page = mine;
    let last = 0;
    return {
      ledger: inner.ledger,
      migrate: inner.migrate,
      models: inner.models,
      load: (owner) => inner.load(owner),
      commit: (changes) =>
        new Promise((done, failed) => {
          if (!mine.alive) return;
          onCommit?.(changes, "asked");
          mine.underWay.push({ changes, done, failed });
          last = Math.max(last, clock.now() + (delay?.() ?? 0));
          if (last <= clock.now()) clock.defer(() => void commitNext(mine));
          else clock.setTimeout(() => void commitNext(mine), last - clock.now());
        }),
      close: () => Promise.resolve(),
    };
  }
  return {
    open: () => turnPage(false),
    reopen: () => turnPage(true),
    failNext: (count) => void (failures = count),
    crashAt: (boundary, crash = () => {}) =>
      void (trap = boundary && { left: boundary.count, side: boundary.side, crash }),
    fired,
  };
}
