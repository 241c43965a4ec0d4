// What this node publishes, in order: what waits is joined into one statement while another is under way, and what may not
// have gone goes again, under its former numbers.
import type { Clock, Random } from "@calla/shared";
import type { PostgresCalls } from "../driver/calls.ts";
import { framed, writeFrame } from "./frames.ts";

export interface OutboxOptions {
  readonly calls: Pick<PostgresCalls, "query">;
  readonly clock: Clock;
  readonly random: Random;
  readonly channel: string;
  readonly sender: string;
  /** Characters that wait while nothing goes; then the oldest go away, and all nodes hear of a gap. */
  readonly mostWaiting: number;
  /** More has surely gone. */
  readonly said: () => void;
  readonly onError: (error: unknown) => void;
}

/** So many characters go in one statement, if more than one message waits. */
const MOST_AT_ONCE = 262_144;
const LONGEST_WAIT = 5_000;
const SHORTEST_WAIT = 100;

/**
 * Not flushed to the disk, for nothing is kept: `set_config` is for this transaction alone, so that any connection will do,
 * also one of a pooler.
 */
const NOTIFY = `select set_config('synchronous_commit', 'off', true), pg_notify($1, said)
from unnest($2::text[]) as said`;
/** The same for one, which Postgres plans more quickly. */
const NOTIFY_ONE = `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`;

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: string[] = [];
  #length = 0;
  #numbers = 0;
  /** Something has gone away: a number is left out before the next, so that all find out. */
  #skipped = false;
  #failures = 0;
  #running: Promise<void> | undefined;
  #due = false;
  #over = false;
  #wake: (() => void) | undefined;

  /** The number of the last frame that has surely gone. */
  sent = 0;

  /** The number of the last frame that may have gone. */
  get begun(): number {
    return this.#numbers;
  }

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Puts a written message behind the others. */
  push(message: string): void {
    if (this.#over) return;
    this.#waiting.push(message);
    this.#length += message.length;
    while (this.#length > this.#options.mostWaiting && this.#waiting.length > 1) {
      this.#length -= this.#waiting.shift()!.length;
      this.#skipped = true;
    }
    this.#soon();
  }

  /** Says something, unless something is being said. */
  ping(): void {
    if (this.#running === undefined && this.#waiting.length === 0) this.push("");
  }

  /** Has something go that has not begun to. */
  probe(): void {
    if (this.#waiting.length === 0) this.push("");
  }

  /** What waits goes once more, and then nothing. */
  async end(): Promise<void> {
    this.#over = true;
    this.#wake?.();
    await this.#running;
    if (this.#waiting.length > 0) await this.#say(this.#next()).catch(() => undefined);
  }

  #soon(): void {
    if (this.#due || this.#running !== undefined) return;
    this.#due = true;
    this.#options.clock.defer(() => {
      this.#due = false;
      if (this.#waiting.length > 0 && !this.#over) this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#over) await this.#untilSaid(this.#next());
    this.#running = undefined;
  }

  /** The next statement's frames. */
  #next(): readonly string[] {
    if (this.#skipped) this.#numbers++;
    this.#skipped = false;
    let count = 0;
    let length = 0;
    while (count < this.#waiting.length && (count === 0 || length < MOST_AT_ONCE))
      length += this.#waiting[count++]!.length;
    const messages = this.#waiting.splice(0, count);
    this.#length -= length;
    const bodies = framed(messages);
    return (bodies.length > 0 ? bodies : [{ kind: "=" as const, body: "" }]).map((frame) =>
      writeFrame({ ...frame, sender: this.#options.sender, number: ++this.#numbers }),
    );
  }

  async #say(frames: readonly string[]): Promise<void> {
    const { calls, channel } = this.#options;
    const upTo = this.#numbers;
    const [first = ""] = frames;
    await (frames.length === 1
      ? calls.query(NOTIFY_ONE, [channel, first])
      : calls.query(NOTIFY, [channel, frames]));
    this.sent = upTo;
    this.#options.said();
  }

  async #untilSaid(frames: readonly string[]): Promise<void> {
    const { clock, random, onError } = this.#options;
    while (!this.#over)
      try {
        await this.#say(frames);
        this.#failures = 0;
        return;
      } catch (error) {
        if (this.#failures++ === 0) onError(error);
        // What cannot be written will never be: its numbers are missing, and all nodes find out.
        if (isUnwritable(error)) return;
        const wait = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(this.#failures - 1, 10));
        await new Promise<void>((resolve) => {
          const cancel = clock.setTimeout(resolve, (wait * (1 + random.uint32() / 2 ** 32)) / 2);
          this.#wake = () => {
            cancel();
            resolve();
          };
        });
      }
  }
}

/** Characters that this database's encoding does not have, and the like. */
const isUnwritable = (error: unknown): boolean => {
  const { details } = error as { readonly details?: { readonly code?: unknown } };
  return typeof details?.code === "string" && /^(22|54)\w{3}$/.test(details.code);
};
