// How a process ends, and with it all that it has started.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Elsewhere a process leads no group. */
export const GROUPS = process.platform !== "win32";

/** Whether it has ended within that time. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals, within: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
    kill(child);
    return true;
  }
  const closed = once(child, "close", { signal: AbortSignal.timeout(within) });
  if (signal === "SIGKILL") kill(child);
  else child.kill(signal);
  return closed.then(
    () => true,
    () => false,
  );
}

/** With all that it has started. An orderly end is asked of it alone: it hands that on, or knows what to do first. */
export function kill(child: ChildProcess): void {
  try {
    if (GROUPS && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // There is none of them any more.
  }
}
