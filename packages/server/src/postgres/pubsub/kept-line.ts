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
  /** It hears, from now on. */
  opened(): void;
  /** Once for each time that it is away. */
  readonly onError: (error: unknown) => void;
}

/** It stands, and what this node has surely said does not come back by it. */
const deaf = (): CallaError<"storage"> =>
  new CallaError(
    "storage",
    { code: "deaf" },
    "Postgres: the connection that listens hears nothing (deaf). If this comes again and again, the url leads through a pooler: give `listenUrl`.",
  );

const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 5_000;

export class KeptLine {
  readonly #options: KeptLineOptions;
  #line: PostgresLine | undefined;
  /** Of the line that is made or stands; what others say no longer counts. */
  #round = 0;
  #failures = 0;
  #over = false;
  #cancel: (() => void) | undefined;
  /** Gives up the line that is being made: it may hang, and then nobody else would end its connection. */
  #giveUp = new AbortController();

  constructor(options: KeptLineOptions) {
    this.#options = options;
    this.#open();
  }

  /** Whether it hears, and which of the lines it is. */
  get round(): number | undefined {
    return this.#line === undefined ? undefined : this.#round;
  }

  /** It stands and does not hear: another one. */
  dead(): void {
    this.#lost(this.#round, deaf());
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
        this.#failures = 0;
        opened();
      },
      (error: unknown) => this.#lost(round, error),
    );
  }

  #lost(round: number, why: unknown): void {
    if (round !== this.#round || this.#over) return;
    const { clock, random, onError } = this.#options;
    this.#round++;
    this.#end();
    if (this.#failures++ === 0) onError(why instanceof CallaError ? why : failure(why));
    const wait = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(this.#failures - 1, 10));
    this.#cancel = clock.setTimeout(() => this.#open(), (wait * (1 + random.uint32() / 2 ** 32)) / 2);
  }
}
