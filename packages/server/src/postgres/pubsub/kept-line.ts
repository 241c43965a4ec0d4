// A line that is made anew whenever it is lost, each node at a time of its own: a server that comes back has all of them to
// serve at once.
import { CallaError } from "@calla/shared";
import type { Clock, Random } from "@calla/shared";
import type { PostgresDriver, PostgresLine } from "../driver/driver.ts";
import { deadlineFailure, failure } from "../driver/failures.ts";

export interface KeptLineOptions {
  readonly driver: PostgresDriver;
  readonly clock: Clock;
  readonly random: Random;
  readonly channel: string;
  /** Milliseconds until a line must stand. */
  readonly deadline: number;
  heard(payload: string): void;
  /** It listens, from now on. Whether it hears is for others to say: `works`, or `dead`. */
  opened(): void;
  /** It no longer does. */
  away(): void;
  /** Each failure once, until it works again. */
  readonly onError: (error: unknown) => void;
}

const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 5_000;

export class KeptLine {
  readonly #options: KeptLineOptions;
  #line: PostgresLine | undefined;
  /** Of the line that is made or stands; what others say no longer counts. */
  #round = 0;
  #failures = 0;
  readonly #told = new Set<string>();
  #over = false;
  #cancel: (() => void) | undefined;
  /** Gives up the line that is being made: it may hang, and then nobody else would end its connection. */
  #giveUp = new AbortController();

  constructor(options: KeptLineOptions) {
    this.#options = options;
    this.#open();
  }

  /** It hears. */
  works(): void {
    this.#failures = 0;
    this.#told.clear();
  }

  /** It stands and does not hear: another one. */
  dead(why: CallaError<"storage">): void {
    this.#lost(this.#round, why);
  }

  close(): void {
    this.#over = true;
    this.#round++;
    this.#end();
  }

  #end(): void {
    this.#cancel?.();
    this.#giveUp.abort();
    this.#line?.close();
    this.#line = undefined;
  }

  #open(): void {
    const { driver, clock, channel, deadline, heard, opened } = this.#options;
    const round = ++this.#round;
    const { signal } = (this.#giveUp = new AbortController());
    this.#cancel = clock.setTimeout(() => this.#lost(round, deadlineFailure(deadline)), deadline);
    const listening = async () =>
      driver.listen(
        channel,
        {
          heard: (payload) => {
            if (round === this.#round) heard(payload);
          },
          lost: (why) => this.#lost(round, why),
        },
        signal,
      );
    listening().then(
      (line) => {
        if (round !== this.#round) return line.close();
        this.#cancel?.();
        this.#line = line;
        opened();
      },
      (error: unknown) => this.#lost(round, error),
    );
  }

  #lost(round: number, why: unknown): void {
    if (round !== this.#round || this.#over) return;
    const { clock, random, onError, away } = this.#options;
    away();
    this.#round++;
    this.#end();
    this.#failures++;
    const error = why instanceof CallaError ? why : failure(why);
    const { code } = error.details as { readonly code?: string };
    if (!this.#told.has(`${code}`)) onError(error);
    this.#told.add(`${code}`);
    const wait = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(this.#failures - 1, 10));
    this.#cancel = clock.setTimeout(() => this.#open(), (wait * (1 + random.uint32() / 2 ** 32)) / 2);
  }
}
