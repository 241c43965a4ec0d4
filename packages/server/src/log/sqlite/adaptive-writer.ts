// Chooses the executor for each job: a worker, or this thread where its commits are quick (latency-gate.ts). Jobs are
// carried out in the order in which they came: this thread takes one only while the worker has none.
import { statSync } from "node:fs";
import { executor } from "./executor.ts";
import type { Executor, ExecutorOptions, JobResult } from "./executor.ts";
import { given, laneInWorker } from "./writer.ts";
import type { Lane } from "./writer.ts";
import { Pace } from "./latency-gate.ts";
import { placeOf } from "./file-place.ts";
import { library } from "./library.ts";

/** Milliseconds from some start. */
type Now = () => number;

/** The worker opens and checks the file; what this thread writes with has no share in that. */
export function laneByPace(
  options: ExecutorOptions,
  pace: Pick<Pace, "next" | "heard"> = new Pace(),
  now: Now = () => performance.now(),
): Lane {
  const worker = laneInWorker(options, (took) => pace.heard(took, false));
  /** Null: it cannot be had. */
  let own: Executor | null | undefined;
  let under = 0;
  return {
    opened: worker.opened,
    executor: undefined,
    async run(job, small) {
      if (small && under === 0 && own !== null && pace.next()) {
        own ??= connect(options);
        const began = now();
        const [result] = own?.run([job]) ?? [];
        // Another process is writing: a worker may wait for it.
        if (result !== undefined && !isBusy(result)) {
          pace.heard(now() - began, true);
          return given(result);
        }
      }
      under++;
      try {
        return await worker.run(job, small);
      } finally {
        under--;
      }
    },
    close() {
      own?.close();
      own = null;
      return worker.close();
    },
  };
}

/** Waits for nobody, and leaves checkpoints to the worker. */
function connect(options: ExecutorOptions): Executor | null {
  try {
    const pragmas = [...options.pragmas, "wal_autocheckpoint = 0"];
    const here = { ...options, pragmas, busyTimeout: 0, check: "off", mustExist: true } as const;
    return executor(library(), here, placeOf({ statSync }, options.file));
  } catch {
    return null;
  }
}

const isBusy = (result: JobResult): boolean =>
  "failed" in result && result.failed.code.startsWith("SQLITE_BUSY");
