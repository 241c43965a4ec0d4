// The way to the executor: in a worker, so that no fsync holds up the event loop, or in this thread.
import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { executor } from "./executor.ts";
import type { Executor, ExecutorOptions, Given, Job, JobResult } from "./executor.ts";
import type { Failure } from "./failure.ts";
import { placeOf } from "./file-place.ts";
import { library, libraryPath } from "./library.ts";

export interface Lane {
  /** Resolves once the file is open and checked; rejects with a `Failure`. */
  readonly opened: Promise<void>;
  /** The connection, where it is in this thread. */
  readonly executor: Executor | undefined;
  /**
   * What the guards gave, once that is as durable as it gets. Rejects with a `Failure`. `small`: not so much that it
   * should keep a thread with other work from that.
   */
  run(job: Job, small: boolean): Promise<Given>;
  /** After all that was asked. */
  close(): Promise<void>;
}

/** Writes in this thread, within the call. */
export function laneHere(options: ExecutorOptions): Lane {
  let made: Executor | undefined;
  let failed: Failure | undefined;
  try {
    made = executor(library(), options, placeOf({ statSync }, options.file));
  } catch (thrown) {
    const { code, message } = thrown as Failure;
    failed = { code, message };
  }
  const opened = failed === undefined ? Promise.resolve() : refuse(failed);
  return {
    opened,
    executor: made,
    async run(job) {
      return given(made === undefined ? { failed: failed! } : made.run([job])[0]!);
    },
    async close() {
      made?.close();
    },
  };
}

/** What a worker answers: `undefined` that it has opened the file, or a transaction's results by the number of their job. */
type WriterAnswer =
  | { readonly opened: Failure | undefined }
  | { readonly took: number; readonly results: readonly (readonly [number, JobResult])[] };

/**
 * All jobs that wait are one transaction: a group commit over turns. Its size is bounded, so that the first of them is
 * not kept waiting.
 */
const WORKER = `
const { parentPort, receiveMessageOnPort, workerData } = require("node:worker_threads");
const executor = ${String(executor)};
const placeOf = ${String(placeOf)};
let writer;
try {
  const { library, options } = workerData;
  writer = executor(require(library), options, placeOf(require("node:fs"), options.file));
  parentPort.postMessage({ opened: undefined });
} catch ({ code, message }) {
  parentPort.postMessage({ opened: { code: String(code), message: String(message) } });
}
const sizeOf = ([, job]) => job.reduce((sum, { steps }) => sum + 1 + steps.length, 0);
const waiting = [];
const drain = () => {
  for (let next; (next = receiveMessageOnPort(parentPort)) !== undefined;) waiting.push(next.message);
};
parentPort.on("message", (first) => {
  waiting.push(first);
  drain();
  while (waiting.length > 0) {
    if (waiting[0] === "close") {
      writer?.close();
      parentPort.close();
      return;
    }
    const jobs = [];
    for (let size = 0; waiting.length > 0 && waiting[0] !== "close" && size < 2000;) {
      size += sizeOf(waiting[0]);
      jobs.push(waiting.shift());
    }
    const began = performance.now();
    const results = writer.run(jobs.map(([, job]) => job));
    const took = performance.now() - began;
    parentPort.postMessage({ took, results: jobs.map(([number], i) => [number, results[i]]) });
    drain();
  }
});
`;

/**
 * Writes in a worker of its own. The process may end while nothing is being written. `committed` hears how many
 * milliseconds each transaction took.
 */
export function laneInWorker(options: ExecutorOptions, committed?: (took: number) => void): Lane {
  const worker = new Worker(WORKER, { eval: true, workerData: { library: libraryPath(), options } });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- reason: a worker, no window
  const post = (message: unknown): void => worker.postMessage(message);
  const waiting = new Map<number, { resolve(result: Given): void; reject(why: Failure): void }>();
  let number = 0;
  let ended: Failure | undefined;
  let told: (failed: Failure | undefined) => void;
  const opened = new Promise<void>((resolve, reject) => {
    told = (failed) => (failed === undefined ? resolve() : reject(failed as unknown as Error));
  });
  const idle = (): void => {
    if (waiting.size === 0) worker.unref();
  };
  worker.on("message", (answer: WriterAnswer) => {
    if ("opened" in answer) {
      told(answer.opened);
    } else {
      committed?.(answer.took);
      for (const [asked, result] of answer.results) {
        const { resolve, reject } = waiting.get(asked)!;
        waiting.delete(asked);
        if ("failed" in result) reject(result.failed);
        else resolve(result.given);
      }
    }
    idle();
  });
  let problem = "";
  worker.on("error", (error: unknown) => void (problem = String(error)));
  const exited = new Promise<void>((resolve) => {
    worker.on("exit", (code) => {
      ended = { code: "CALLA_WORKER", message: problem === "" ? `exit code ${code}` : problem };
      told(ended);
      for (const { reject } of waiting.values()) reject(ended);
      waiting.clear();
      resolve();
    });
  });
  return {
    opened,
    executor: undefined,
    run(job) {
      if (ended !== undefined) return refuse(ended);
      return new Promise((resolve, reject) => {
        const asked = ++number;
        waiting.set(asked, { resolve, reject });
        worker.ref();
        post([asked, job]);
      });
    },
    close() {
      worker.ref();
      post("close");
      return exited;
    },
  };
}

export async function given(result: JobResult): Promise<Given> {
  return "failed" in result ? refuse(result.failed) : result.given;
}
const refuse = (failed: Failure): Promise<never> => Promise.reject(failed as unknown as Error);
