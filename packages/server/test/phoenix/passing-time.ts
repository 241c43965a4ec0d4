// Time that passes when it is told to: the server's, and of the replay that waits for it. So a scenario about a window of ten
// seconds takes none, and a machine with much else to do does not spoil it.
import type { Cancel, Clock } from "@calla/shared";
import { get } from "node:http";
import type { ReplayTime } from "../../../conformance/src/index.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class PassingTime implements Clock {
  #now = 0;
  #timers: Timer[] = [];

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(run: () => void, milliseconds: number): Cancel {
    const timer = { at: this.#now + Math.max(0, milliseconds), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(run: () => void): void {
    setImmediate(run);
  }

  /** As a replay has it. What was sent before has arrived when a request that is sent later has been answered. */
  of({ host, port }: { readonly host: string; readonly port: number }): ReplayTime {
    const arrived = async (): Promise<void> => {
      for (let times = 0; times < 2; times += 1) {
        await new Promise<void>((resolve, reject) => {
          get({ host, port, path: "/probe", agent: false }, (response) => {
            response.resume().once("end", resolve);
          }).once("error", reject);
        });
      }
    };
    return {
      now: () => this.#now,
      pass: async (ms) => {
        await arrived();
        await this.#advance(this.#now + ms);
        await arrived();
      },
    };
  }

  /** Runs what is due by then, each at its time, and lets what follows from it happen. */
  async #advance(until: number): Promise<void> {
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until);
      const next = due.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.#now = until;
  }
}
