// A time by which waiting ends. What has not answered by then is left to itself.
import type { Clock } from "@calla/shared";

export interface Deadline {
  /** Whether the work ended in time. What it throws in time is thrown. */
  met(work: Promise<unknown>): Promise<boolean>;
  /** Nothing more will be waited for. */
  over(): void;
}

export function deadline(clock: Clock, milliseconds: number): Deadline {
  let pass!: (met: boolean) => void;
  const passed = new Promise<boolean>((resolve) => {
    pass = resolve;
  });
  const over = clock.setTimeout(() => pass(false), milliseconds);
  return { met: (work) => Promise.race([work.then(() => true), passed]), over };
}
