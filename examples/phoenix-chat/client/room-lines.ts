// The lines of a room that this page has, in a row without gaps: each once, by its number. Not here: what is not said
// yet (outbox.ts), and how it all looks (timeline.ts).
import type { Cursor, Line, Page } from "../shared/chat.ts";

export class RoomLines {
  #lines: readonly Line[] = [];
  /** Came too early: what is between is still to come. */
  #ahead: readonly Line[] = [];
  /** Whether there are older ones to be had. */
  earlier = false;

  get all(): readonly Line[] {
    return this.#lines;
  }

  get last(): Line | undefined {
    return this.#lines.at(-1);
  }

  get cursor(): Cursor | null {
    return this.last ? { n: this.last.n, id: this.last.id } : null;
  }

  /** Lines are missing between what there is and what came. */
  get gap(): boolean {
    return this.#ahead.length > 0;
  }

  /** Takes what a join, or a question for what is missing, has brought. */
  newer(page: Page): void {
    if (!page.continues) {
      this.#lines = [];
      this.#ahead = [];
      this.earlier = page.earlier;
    }
    for (const line of page.lines) this.add(line);
  }

  /** Takes older lines than the first. */
  older({ lines, earlier }: Page): void {
    const first = this.#lines[0]?.n ?? 1;
    this.#lines = [...lines.filter(({ n }) => n < first), ...this.#lines];
    this.earlier = earlier;
  }

  /** Takes one line, and those that have waited for it. One that is here already is nothing new. */
  add(line: Line): void {
    const next = this.last ? this.last.n + 1 : line.n;
    if (line.n < next) return;
    if (line.n > next) {
      if (!this.#ahead.some(({ n }) => n === line.n)) this.#ahead = [...this.#ahead, line];
      return;
    }
    this.#lines = [...this.#lines, line];
    const following = this.#ahead.find(({ n }) => n === line.n + 1);
    this.#ahead = this.#ahead.filter(({ n }) => n > line.n + 1);
    if (following) this.add(following);
  }
}
