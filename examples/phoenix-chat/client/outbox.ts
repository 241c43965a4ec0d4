// What is written and not said yet. A push of Phoenix arrives once or not at all, so each line is kept here until the
// server has answered for it, and pushed again after every join: the server knows a line by its id and says it once. One
// line is under way at a time, so that they stay in order.

export interface Unsent {
  readonly id: string;
  readonly text: string;
  /** Milliseconds, by this machine's clock. */
  readonly at: number;
  /** Why it is not sent by itself any more. */
  readonly failed?: string;
}

/** What became of a push. */
export type Answer = "ok" | "timeout" | { readonly reason: string };

export interface OutboxWorld {
  push(line: Unsent): Promise<Answer>;
  later(milliseconds: number, run: () => void): void;
  /** Something is different: keep it, and show it. */
  changed(): void;
}

/** Milliseconds until a line is sent again that was too fast, or that nobody has answered. */
const PAUSE = 1_500;
/** Unanswered on one connection so often, a line is for its author to decide. */
const MAX_UNANSWERED = 3;

export class Outbox {
  #lines: readonly Unsent[];
  readonly #world: OutboxWorld;
  /** Counts joins and their ends: what began in another one does not matter any more. */
  #life = 0;
  #joined = false;
  #busy = false;
  #unanswered = 0;

  constructor(kept: readonly Unsent[], world: OutboxWorld) {
    this.#lines = kept;
    this.#world = world;
  }

  get lines(): readonly Unsent[] {
    return this.#lines;
  }

  add(line: Unsent): void {
    this.#set([...this.#lines, line]);
    this.#flow();
  }

  /** Its author wants one to be sent that has failed: it goes to the end. */
  again(id: string): void {
    const line = this.#lines.find((line) => line.id === id);
    if (!line) return;
    const { failed: _, ...fresh } = line;
    this.#set([...this.#lines.filter((line) => line.id !== id), fresh]);
    this.#flow();
  }

  /** It is said, as the server has told everybody; or its author does not want it any more. */
  remove(id: string): void {
    if (this.#lines.some((line) => line.id === id)) this.#set(this.#lines.filter((line) => line.id !== id));
  }

  joined(): void {
    this.#live(true);
    this.#flow();
  }

  left(): void {
    this.#live(false);
  }

  #live(joined: boolean): void {
    this.#life++;
    this.#joined = joined;
    this.#busy = false;
    this.#unanswered = 0;
    this.#world.changed();
  }

  #set(lines: readonly Unsent[]): void {
    this.#lines = lines;
    this.#world.changed();
  }

  #flow(): void {
    const next = this.#lines.find(({ failed }) => failed === undefined);
    if (!this.#joined || this.#busy || !next) return;
    const life = this.#life;
    this.#busy = true;
    void this.#world.push(next).then((answer) => {
      if (answer === "ok") this.remove(next.id);
      if (life !== this.#life) return;
      const pause = this.#settle(next.id, answer);
      const goOn = (): void => {
        if (life !== this.#life) return;
        this.#busy = false;
        this.#flow();
      };
      if (pause === 0) goOn();
      else this.#world.later(pause, goOn);
    });
  }

  /** Returns how long to wait before the next push. */
  #settle(id: string, answer: Answer): number {
    if (answer === "ok") {
      this.#unanswered = 0;
      return 0;
    }
    if (answer === "timeout") {
      if (++this.#unanswered < MAX_UNANSWERED) return PAUSE;
      this.#unanswered = 0;
      this.#fail(id, "The server does not answer.");
      return 0;
    }
    if (answer.reason === "rate_limited") return PAUSE;
    this.#fail(id, answer.reason === "invalid payload" ? "The server does not take it." : answer.reason);
    return 0;
  }

  #fail(id: string, failed: string): void {
    this.#set(this.#lines.map((line) => (line.id === id ? { ...line, failed } : line)));
  }
}
