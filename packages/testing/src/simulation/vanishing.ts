// A log whose file goes away under the servers that have it open, and comes back, or is replaced by a backup: what a file
// log makes of that (SQ12), in virtual time. Each process finds it out by itself: with its next commit, which is in the
// former file then and is not told, or within a second.
import type { LogStorage } from "@calla/server";
import type { RewindableLog } from "@calla/server/testing";
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { ArchivedLog } from "../history/archive.ts";
import type { ProcessClock } from "../doubles/clock.ts";

/** Milliseconds for which a process may not look. */
const UNSEEN = 1_000;

/** How a process finds it out: with `power-loss` by each commit, otherwise within a second. */
export type FoundBy = "commit" | "second";

export interface VanishingLog {
  /** The log as one process has it open. */
  opened(clock: ProcessClock): RewindableLog;
  /** From now on its file is elsewhere: what is written is written there. */
  goes(found: FoundBy): void;
  /** It stands where it stood. */
  comesBack(): void;
  /** A backup stands there, which lacks the last so many appends, and all that came since the file went. */
  isReplaced(lacks: number): Promise<void>;
  /** It lacks the last so many appends from now on, and nobody is told. Nothing happens while it is gone. */
  loses(lacks: number): Promise<void>;
  /** Appends that went to a file that is elsewhere, or was. */
  readonly astray: number;
  /** What an append has come to. */
  appended(target: TargetKey, sequence: number): void;
}

/** Servers open it; the archive is what really happened. */
export function vanishingLog(archived: () => ArchivedLog): VanishingLog {
  /** Counts the files that stood there. */
  let file = 0;
  let gone: { readonly found: FoundBy; readonly appends: number } | undefined;
  let astray = 0;
  const appends: { readonly target: TargetKey; readonly sequence: number }[] = [];

  const failure = (code: "gone" | "replaced"): CallaError =>
    new CallaError("storage", { code }, `The log's file is ${code}.`);

  function opened(clock: ProcessClock): RewindableLog {
    const inner = archived();
    let known = file;
    let found = false;
    /** The gone file that was looked at, and when it was first used since. */
    let since: { readonly of: typeof gone; readonly at: number } | undefined;
    const listeners = new Set<() => void>();

    /** Before each call. True: it goes to the former file, and is not told. */
    function look(commits: boolean): boolean {
      if (gone === undefined) {
        since = undefined;
        if (known !== file) {
          known = file;
          found = true;
          throw failure("replaced");
        }
        if (!found) return false;
        found = false;
        for (const listener of listeners) listener();
        return false;
      }
      if (since?.of !== gone) since = { of: gone, at: clock.monotonic() };
      if (!found && commits && gone.found === "commit") return (found = true);
      if (!found && clock.monotonic() < since.at + UNSEEN) return false;
      found = true;
      throw failure("gone");
    }
    const seen: LogStorage = { ...inner };
    const calls = seen as unknown as Record<string, unknown>;
    for (const [name, method] of Object.entries(inner) as [string, unknown][]) {
      if (typeof method !== "function" || UNTOUCHED.has(name)) continue;
      calls[name] = async (...args: readonly unknown[]): Promise<unknown> => {
        const untold = look(name === "append");
        const result: unknown = await (method as (...args: readonly unknown[]) => unknown)(...args);
        if (untold) throw failure("gone");
        return result;
      };
    }
    return {
      ...seen,
      rewind: inner.rewind,
      onReplaced(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
  }

  /** The first so many appends, of all targets. */
  async function keepOnly(count: number): Promise<void> {
    const lost = appends.splice(Math.max(0, count));
    const log = archived();
    for (const target of new Set(lost.map((one) => one.target))) {
      const tip = log.archive.get(target)?.paths.at(-1)?.places.at(-1)?.sequence ?? 0;
      const kept = appends.findLast((one) => one.target === target)?.sequence ?? 0;
      if (kept < tip) await log.rewind(target, kept);
    }
  }

  return {
    opened,
    goes: (found) => void (gone ??= { found, appends: appends.length }),
    comesBack: () => void (gone = undefined),
    async isReplaced(lacks) {
      if (gone === undefined) return;
      await keepOnly(gone.appends - lacks);
      file++;
      gone = undefined;
    },
    async loses(lacks) {
      if (gone === undefined) await keepOnly(appends.length - lacks);
    },
    get astray() {
      return astray;
    },
    appended(target, sequence) {
      if (gone !== undefined) astray++;
      appends.push({ target, sequence });
    },
  };
}

/** What no file is asked for. */
const UNTOUCHED = new Set(["carryWith", "onReplaced", "rewind", "close", "secret", "identity"]);
