// Whether to write in the server's own thread: where a commit is quick, waking a worker costs more than the commit.
// Pure: it is told how long commits took. Not here: who writes (adaptive-writer.ts).

/** Commits that are judged together. */
const BLOCK = 128;
/** Milliseconds that a commit may take on average … */
const MEAN = 2.5;
/** … and that at most one in a block may exceed: 99 of 100 hold the event loop up for less. */
const SLOW = 4;
/** Of so many commits one is the worker's: it moves what was written to the main file (a checkpoint), which takes long. */
const WORKERS_SHARE = 64;
/** After a slow block, so many quick ones must follow; each time twice as many, up to this. */
const MOST_BLOCKS = 64;

export class Pace {
  #here = false;
  /** Quick blocks to come until this thread writes. */
  #wanted = 1;
  #patience = 1;
  #commits = 0;
  #sum = 0;
  #slow = 0;
  #turn = 0;

  /** Whether the next commit is this thread's. */
  next(): boolean {
    if (!this.#here) return false;
    this.#turn = (this.#turn + 1) % WORKERS_SHARE;
    return this.#turn !== 0;
  }

  /** A commit took so many milliseconds. Those of a worker say nothing once this thread writes. */
  heard(milliseconds: number, here: boolean): void {
    if (here !== this.#here) return;
    this.#commits++;
    this.#sum += milliseconds;
    if (milliseconds > SLOW) this.#slow++;
    const quick = this.#slow <= 1 && this.#sum <= MEAN * BLOCK;
    if (quick && this.#commits < BLOCK) return;
    this.#commits = this.#sum = this.#slow = 0;
    if (!quick) {
      if (this.#here) this.#patience = Math.min(2 * this.#patience, MOST_BLOCKS);
      this.#here = false;
      this.#wanted = this.#patience;
    } else if (!this.#here) {
      this.#here = --this.#wanted === 0;
    }
  }
}
