// Time that passes when a replay tells it to, for a stub and its replay: a window of ten seconds takes none, and a machine with
// much else to do does not spoil it.
import { get } from "node:http";
import type { ReplayTime } from "../src/replay/replay.ts";
import type { StubTime } from "../src/stub/stub-time.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class PassingTime implements StubTime {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs what is due by then, each at its time, and lets what follows from it happen. */
  async advance(until: number): Promise<void> {
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.#now = until;
  }

  /** As a replay has it, against the stub at this URL. */
  of(url: string): ReplayTime {
    return {
      now: () => this.#now,
      pass: async (ms) => {
        await arrived(url);
        await this.advance(this.#now + ms);
        await arrived(url);
      },
    };
  }
}

/** What was sent before has arrived when a request that is sent later has been answered. */
async function arrived(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  for (let times = 0; times < 2; times += 1) {
    await new Promise<void>((resolve, reject) => {
      get({ host: hostname, port, path: "/report", agent: false }, (response) => {
        response.resume().once("end", resolve);
      }).once("error", reject);
    });
  }
}
