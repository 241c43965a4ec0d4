// A consumer of every topic in a run: work that is done for whatever a log takes (`server.consume`), by one node at a time.
// What it was handed goes into the history; whether that was all of it, check-consumed.ts asks.
import type { AnyUser, Server } from "@calla/server";
import type { SteadyClock, TargetKey, TopicSlice, Wiring } from "@calla/shared";
import type { SeededRandom } from "../doubles/random.ts";
import type { Archived } from "../history/archive.ts";
import { unconsumed } from "../history/check-consumed.ts";
import type { HistoryEvent } from "../history/history.ts";

interface ConsumptionOptions {
  readonly archive: ReadonlyMap<TargetKey, Archived>;
  readonly record: (event: HistoryEvent) => void;
}

type Consumed = Extract<HistoryEvent, { type: "consumed" }>;

/** The share of entries that take a while. */
const SLOW = 0.2;

/** As much of a server as a consumer needs, whatever its wiring. */
interface Consuming {
  readonly wiring: Wiring;
  consume(
    slice: TopicSlice,
    options: { readonly name: string },
    handler: (entry: {
      readonly topic: TargetKey;
      readonly sequence: number;
      readonly mark?: number;
      readonly gone?: string | undefined;
    }) => Promise<void>,
  ): unknown;
}

export class Consumption {
  readonly #options: ConsumptionOptions;
  readonly #heard: Consumed[] = [];
  #begun = false;

  constructor(options: ConsumptionOptions) {
    this.#options = options;
  }

  /** A server consumes from here on, in turn with the others. */
  begin<W extends Wiring>(server: Server<W, AnyUser>, clock: SteadyClock, random: SeededRandom): void {
    this.#begun = true;
    const consuming = server as unknown as Consuming;
    for (const slice of consuming.wiring.topics) {
      if (slice.kind !== "topic") continue;
      consuming.consume(slice, { name: "kit" }, async ({ topic, sequence, mark, gone }) => {
        if (gone !== undefined || mark === undefined) return;
        const event: Consumed = { type: "consumed", target: topic, sequence, mark };
        this.#heard.push(event);
        this.#options.record(event);
        // Meanwhile its server may stop, or lose the log.
        if (!random.chance(SLOW)) return;
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, random.int(1, 300)));
      });
    }
  }

  /** What it has still to be handed, in words; undefined: nothing. */
  get restless(): string | undefined {
    if (!this.#begun) return undefined;
    return unconsumed(this.#options.archive, this.#heard)[0];
  }
}
