// Whether a line hears. It says nothing of that itself: a pooler takes a LISTEN and forgets who listens, the url may lead to
// another database, a connection can be gone without a word. But whoever speaks hears himself; who has said nothing says so.
import type { CallaError, Clock } from "@calla/shared";
import { deafFailure, silentFailure } from "../driver/failures.ts";
import type { Outbox } from "./outbox.ts";

export interface EarOptions {
  readonly clock: Clock;
  /** Milliseconds within which is heard what was surely said. Something is said as often. */
  readonly heartbeat: number;
  readonly channel: string;
  readonly outbox: Pick<Outbox, "begun" | "sent" | "ping" | "probe">;
  /** The line has heard what was said since it listens. Once for each line. */
  works(): void;
  /** It does not hear. */
  dead(why: CallaError<"storage">): void;
}

export class Ear {
  readonly #options: EarOptions;
  /** The last frame of this node that was heard, and how many frames were, of anybody. */
  #last = 0;
  #count = 0;
  /** What may have been said before the line listened. */
  #before = 0;
  #works = false;
  #cancelWatch: (() => void) | undefined;
  #cancelBeat = (): void => undefined;

  constructor(options: EarOptions) {
    this.#options = options;
    this.#beat();
  }

  /** A new line listens. */
  listens(): void {
    const { outbox } = this.#options;
    this.away();
    this.#before = outbox.begun;
    this.#works = false;
    outbox.probe();
  }

  /** There is no line. */
  away(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    this.#before = Infinity;
  }

  /** The line has heard a frame: this node's own by its number. */
  heard(own: number | undefined): void {
    this.#count++;
    if (own === undefined) return;
    this.#last = Math.max(this.#last, own);
    if (this.#works || own <= this.#before) return;
    this.#works = true;
    this.#options.works();
  }

  /** Frames have surely gone. */
  said(): void {
    if (this.#cancelWatch === undefined && this.#options.outbox.sent > this.#before) this.#watch();
  }

  close(): void {
    this.away();
    this.#cancelBeat();
  }

  #watch(): void {
    const { clock, heartbeat, outbox, channel, dead } = this.#options;
    const { sent } = outbox;
    const count = this.#count;
    let open = true;
    const cancel = clock.setTimeout(
      // A process that stood still has what it did not hear before it: one turn more.
      () => clock.defer(() => void (open && end())),
      heartbeat,
    );
    this.#cancelWatch = () => {
      open = false;
      cancel();
    };
    const end = (): void => {
      this.#cancelWatch = undefined;
      if (this.#last >= sent) return void (outbox.sent > this.#last && this.#watch());
      // It has much to tell, as others do: late, and not dead.
      if (this.#works && this.#count > count) return this.#watch();
      dead((this.#works ? silentFailure : deafFailure)(channel));
    };
  }

  #beat(): void {
    const { clock, heartbeat, outbox } = this.#options;
    this.#cancelBeat = clock.setTimeout(() => {
      outbox.ping();
      this.#beat();
    }, heartbeat);
  }
}
