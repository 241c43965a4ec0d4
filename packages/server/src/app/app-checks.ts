// Calls of the app's own checks (`canSubscribe`, `authenticate`): a bounded number is under way, of one connection, of
// one user or address, and of all. The others wait for their turn, in rounds over users and addresses and their
// connections; a call whose answer is no longer needed is withdrawn. Not here: what is checked and what an answer means
// (access.ts, authenticate.ts).
import type { Clock } from "@calla/shared";
import { isThenable } from "../base/contain.ts";

/** Nobody, however many connections it has, holds more than this part of all calls. */
const PARTS = 4;

/** `late`: no answer in time. `crowded`: its turn did not come in time. `withdrawn`: it means nothing any more. */
export type Unanswered = "late" | "crowded" | "withdrawn";

/** What a check is shown besides its question. A class, so that what it does not ask for costs nothing. */
export class Shown {
  #controller: AbortController | undefined;
  #ended = false;
  #reason: unknown;

  /** Aborted when the client has gone, or when the answer does not count any more. Made when it is first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  static end(shown: Shown, reason?: unknown): void {
    shown.#ended = true;
    shown.#reason = reason;
    shown.#controller?.abort(reason);
  }
  /** Whether the app could know of the end. */
  static heard(shown: Shown): boolean {
    return shown.#controller !== undefined;
  }
}

/** One question to the app, and what is made of its answer. That is for whoever asks, above this file, to say. */
export interface Question<T> {
  readonly shown: Shown;
  ask(): unknown;
  said(answer: unknown): T;
  failed(error: unknown): T;
  unanswered(why: Unanswered): T;
  /** Something that a call threw after it had been withdrawn. */
  report(error: unknown): void;
}

/** The asker: a connection, or a packet that speaks for itself. */
export class Asker {
  /** Whom its calls count for. */
  readonly party: string;
  running = 0;
  /** Made when first needed: where the app answers at once there is nothing to keep. */
  waiting: Set<Check<unknown>> | undefined;
  calls: Set<Check<unknown>> | undefined;

  constructor(party: string) {
    this.party = party;
  }
}

/** A question that is not answered at once. */
export class Check<T> {
  readonly asker: Asker;
  readonly question: Question<T>;
  readonly answer: Promise<T>;
  /** It has its answer, or needs none. */
  over = false;
  /** Ends the wait for its turn, then the wait for its answer. */
  cancel: (() => void) | undefined;
  readonly #checks: AppChecks;
  #give!: (answer: T) => void;

  constructor(checks: AppChecks, asker: Asker, question: Question<T>) {
    this.#checks = checks;
    this.asker = asker;
    this.question = question;
    this.answer = new Promise((resolve) => (this.#give = resolve));
  }

  give(answer: T): void {
    this.over = true;
    this.#give(answer);
  }

  /** Its turn has not come: the app has not been asked. */
  get waits(): boolean {
    return this.asker.waiting?.has(this as Check<unknown>) === true;
  }

  /** Nobody needs the answer any more. What is being asked goes on to count until it has ended. */
  withdraw(): void {
    this.#checks.withdraw(this as Check<unknown>);
  }
}

interface CheckParty {
  readonly key: string;
  running: number;
  /** Askers with something that waits and could begin; the one whose turn is next first. */
  readonly ready: Set<Asker>;
}

const isEmpty = (set: ReadonlySet<unknown> | undefined): boolean => set === undefined || set.size === 0;

/** An answer is the app's: looking at it may throw. */
function judged<T>(question: Question<T>, answer: unknown): T {
  try {
    return question.said(answer);
  } catch (error) {
    return question.failed(error);
  }
}

export interface AppChecksOptions {
  readonly clock: Clock;
  /** Calls under way at once: of one connection, and of all. */
  readonly ofOne: number;
  readonly ofAll: number;
  /** Milliseconds to wait for a turn, and then as many for the answer. */
  readonly within: number;
  /** Called where this limit is why somebody is not answered in time: observers lie above this file. */
  readonly crowded?: (limit: "ofOne" | "ofAll") => void;
}

export class AppChecks {
  readonly #options: AppChecksOptions;
  readonly #ofParty: number;
  readonly #parties = new Map<string, CheckParty>();
  /** Parties with an asker that is ready, and with calls to spare. */
  readonly #ready = new Set<CheckParty>();
  #running = 0;
  #pumping = false;

  constructor(options: AppChecksOptions) {
    this.#options = options;
    this.#ofParty = Math.max(1, Math.ceil(options.ofAll / PARTS));
  }

  /** Calls under way. */
  get running(): number {
    return this.#running;
  }

  /** Asks now, or when it can. Where the app answers at once, so does this, and nothing of it counts. */
  ask<T>(asker: Asker, question: Question<T>): T | Check<T> {
    const { ofOne, ofAll, within, clock } = this.#options;
    const theirs = this.#parties.get(asker.party)?.running ?? 0;
    if (isEmpty(asker.waiting) && asker.running < ofOne && theirs < this.#ofParty && this.#running < ofAll) {
      let answer: unknown;
      try {
        answer = question.ask();
        if (!isThenable(answer)) return question.said(answer);
      } catch (error) {
        return question.failed(error);
      }
      const check = new Check(this, asker, question);
      this.#under(check as Check<unknown>, answer);
      return check;
    }
    const check = new Check(this, asker, question);
    (asker.waiting ??= new Set()).add(check as Check<unknown>);
    check.cancel = clock.setTimeout(() => {
      this.#options.crowded?.(asker.running < ofOne ? "ofAll" : "ofOne");
      asker.waiting?.delete(check as Check<unknown>);
      this.#mark(asker);
      check.give(question.unanswered("crowded"));
    }, within);
    this.#mark(asker);
    return check;
  }

  withdraw(check: Check<unknown>): void {
    if (check.over) return;
    const { asker, question } = check;
    if (asker.waiting?.delete(check) === true) {
      check.cancel?.();
      this.#mark(asker);
    } else Shown.end(question.shown);
    check.give(question.unanswered("withdrawn"));
  }

  /** It has gone: nothing that it asked needs an answer. */
  left(asker: Asker | undefined): void {
    for (const check of asker?.waiting ?? []) this.withdraw(check);
    for (const check of asker?.calls ?? []) this.withdraw(check);
  }

  /** The app is at it. It counts until it has ended, or until it is late. */
  #under(check: Check<unknown>, answer: PromiseLike<unknown>): void {
    const { asker, question } = check;
    const party = this.#partyOf(asker);
    (asker.calls ??= new Set()).add(check);
    asker.running++;
    party.running++;
    this.#running++;
    const ended = (): boolean => {
      if (asker.calls?.delete(check) !== true) return false; // it was late
      check.cancel?.();
      asker.running--;
      party.running--;
      this.#running--;
      this.#mark(asker);
      return true;
    };
    this.#mark(asker);
    check.cancel = this.#options.clock.setTimeout(() => {
      ended();
      Shown.end(question.shown, new DOMException("It was not answered in time.", "TimeoutError"));
      if (!check.over) check.give(question.unanswered("late"));
      this.#pump();
    }, this.#options.within);
    void Promise.resolve(answer).then(
      (value) => {
        if (!ended()) return;
        if (!check.over) check.give(judged(question, value));
        this.#pump();
      },
      (error: unknown) => {
        if (!ended()) return;
        if (!check.over) check.give(question.failed(error));
        // Who was told to stop may say so by a throw.
        else if (!Shown.heard(question.shown)) question.report(error);
        this.#pump();
      },
    );
  }

  /** Begins what can begin: one of a party and of a connection at a time, and then the next one's turn. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#running < this.#options.ofAll) {
      const [party] = this.#ready;
      const [asker] = party?.ready ?? [];
      const [check] = asker?.waiting ?? [];
      if (party === undefined || asker === undefined || check === undefined) break;
      asker.waiting?.delete(check);
      party.ready.delete(asker);
      this.#ready.delete(party);
      this.#begin(check);
      this.#mark(asker);
    }
    this.#pumping = false;
  }

  #begin(check: Check<unknown>): void {
    const { question } = check;
    check.cancel?.();
    let answer: unknown;
    try {
      answer = question.ask();
      if (isThenable(answer)) return this.#under(check, answer);
    } catch (error) {
      return check.give(question.failed(error));
    }
    check.give(judged(question, answer));
  }

  #partyOf({ party: key }: Asker): CheckParty {
    let party = this.#parties.get(key);
    if (party === undefined) this.#parties.set(key, (party = { key, running: 0, ready: new Set() }));
    return party;
  }

  /** Whether it is an asker's turn some time, as it is now. */
  #mark(asker: Asker): void {
    const party = this.#partyOf(asker);
    if (!isEmpty(asker.waiting) && asker.running < this.#options.ofOne) party.ready.add(asker);
    else party.ready.delete(asker);
    if (party.ready.size > 0 && party.running < this.#ofParty) this.#ready.add(party);
    else this.#ready.delete(party);
    if (party.running === 0 && party.ready.size === 0) this.#parties.delete(party.key);
  }
}
