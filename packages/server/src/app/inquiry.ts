// Questions to the app about rights, while they are under way. Every change of rights is told to the questions that it
// concerns, and an answer to a question of before the change does not count (AU15). What then happens is for the kind of
// question: whether somebody may is asked again (Inquiry), who somebody is gets what was said meanwhile (Identification).
import type { SteadyClock, TargetKey } from "@calla/shared";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";
import { Check } from "./app-checks.ts";
import type { AnyUser } from "./handlers.ts";

/** A question is asked again so many times; if rights change once more, the client has to retry (AU31). */
export const ASKED_AGAIN = 3;

/** What an inquiry means is for whoever inquires, above this file, to say (access.ts). */
export interface InquiryOptions<T> {
  readonly clock: SteadyClock;
  /** Milliseconds for all askings of a question that had to be asked again. */
  readonly within: number;
  /** The answer where rights changed too often. */
  tooOften(): T;
  /** It has its answer, or needs none. */
  over(inquiry: Inquiry<T>): void;
}

/** Whether somebody may: asked until an answer is of after the last change that concerns it. */
export class Inquiry<T> {
  readonly topic: TargetKey;
  /** Of a periodic re-check: where asking fails, what was allowed goes on. A change of rights ends that. */
  lenient: boolean;
  over = false;
  readonly #options: InquiryOptions<T>;
  readonly #ask: () => T | Check<T>;
  readonly #since: number;
  #check: Check<T> | undefined;
  #outdated = false;
  #again = 0;
  /** Ends the wait for all askings together. */
  #cancel: (() => void) | undefined;
  #waiting: ((answer: T | "withdrawn") => void)[] | undefined;

  constructor(options: InquiryOptions<T>, topic: TargetKey, ask: () => T | Check<T>, lenient: boolean) {
    this.#options = options;
    this.topic = topic;
    this.#ask = ask;
    this.#since = options.clock.monotonic();
    this.lenient = lenient;
  }

  /** Asks. Returns the answer where the app gives it at once; undefined: those in `whenAnswered` hear it. */
  begin(): T | undefined {
    for (;;) {
      this.#outdated = false;
      const said = this.#ask();
      if (said instanceof Check) {
        this.#check = said;
        void said.answer.then((answer) => this.#said(answer));
        return undefined;
      }
      const counted = this.#counted(said);
      if (counted === undefined) continue;
      this.#end(counted);
      return counted;
    }
  }

  /** Called in the same step in which the answer comes to count: no change fits in between. */
  whenAnswered(tell: (answer: T | "withdrawn") => void): void {
    (this.#waiting ??= []).push(tell);
  }

  /** Rights that it asks about have changed. Where the app has not been asked yet, it is not asked again. */
  changed(): void {
    if (!this.#outdated && this.#check?.waits !== true) this.#again++;
    this.#outdated = true;
    this.lenient = false;
    this.#check?.withdraw();
  }

  /** Nobody needs the answer. */
  withdraw(): void {
    if (this.over) return;
    const check = this.#check;
    this.#end("withdrawn");
    check?.withdraw();
  }

  #said(said: T): void {
    if (this.over) return;
    const counted = this.#counted(said);
    if (counted === undefined) this.begin();
    else this.#end(counted);
  }

  /** What counts of an answer; undefined: it has to be asked again. */
  #counted(said: T): T | undefined {
    if (!this.#outdated) return said;
    const { clock, within } = this.#options;
    const left = this.#since + within - clock.monotonic();
    if (this.#again > ASKED_AGAIN || left <= 0) return this.#options.tooOften();
    this.#cancel ??= clock.setTimeout(() => {
      const check = this.#check;
      this.#end(this.#options.tooOften());
      check?.withdraw();
    }, left);
    return undefined;
  }

  #end(answer: T | "withdrawn"): void {
    this.over = true;
    this.#cancel?.();
    this.#check = undefined;
    this.#options.over(this);
    for (const tell of this.#waiting ?? []) tell(answer);
  }
}

/** So many changes are kept for a client that is being identified. Over that, it has to retry. */
export const REMEMBERED = 256;

interface Known {
  readonly ok: true;
  readonly user: AnyUser | null;
}
interface Unknown {
  readonly ok: false;
  readonly code: "busy" | "unauthenticated";
}

/** Who somebody is, while that is being found out: at Hello, in a packet, by a renewed token. */
export class Identification {
  readonly #clientId: string | undefined;
  readonly #all: Set<Identification>;
  readonly #changes: RightsChange[] = [];
  #tooMany = false;

  /** `all`: those that are under way, and this one is among them until it has ended. */
  constructor(clientId: string | undefined, all: Set<Identification>) {
    this.#clientId = clientId;
    this.#all = all;
    all.add(this);
  }

  /** Only what is said of the user itself is kept: about everything else the app is asked later. */
  changed(change: RightsChange): void {
    if (change.user === undefined) return;
    if (change.clientId !== undefined && change.clientId !== this.#clientId) return;
    if (this.#changes.length < REMEMBERED) this.#changes.push(change);
    else this.#tooMany = true;
  }

  /** What was found, as it is now: with the user that was given meanwhile, or nobody. */
  asNow<Found extends Known>(found: Found, clientId: string): Found | Unknown {
    if (this.#tooMany) return { ok: false, code: "busy" };
    const userId = found.user?.id ?? null;
    let now = found;
    for (const change of this.#changes) {
      if (!matches(change, { clientId, userId })) continue;
      if (change.user === null) return { ok: false, code: "unauthenticated" };
      if (change.user?.id === userId) now = { ...now, user: change.user };
    }
    return now;
  }

  end(): void {
    this.#all.delete(this);
  }
}

/** All clients that are being identified. Those that are known already are dealt with at once (hub.ts). */
export class Identifications {
  readonly #open = new Set<Identification>();

  /** `clientId`: as it presents itself, if it does. */
  begin(clientId: string | undefined): Identification {
    return new Identification(clientId, this.#open);
  }

  changed(change: RightsChange): void {
    for (const one of this.#open) one.changed(change);
  }
}
