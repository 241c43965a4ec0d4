// Timers that the client's end cancels.
import type { Cancel } from "@calla/shared";
import type { Core } from "./records.ts";

export function later(core: Core, milliseconds: number, run: () => void): Cancel {
  if (core.closed) return () => {};
  const cancel = core.clock.setTimeout(() => {
    core.timers.delete(cancel);
    run();
  }, milliseconds);
  core.timers.add(cancel);
  return () => {
    core.timers.delete(cancel);
    cancel();
  };
}
