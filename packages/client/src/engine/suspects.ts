// Which message ends the connections that carry it (OB20): found by what happens, not by a code. A message that was on
// its way when two connections in a row ended is doubted. Doubted messages are sent last, alone, on a connection that
// has just answered; a message that ends three such connections is held. Cuts by chance hit what comes before as often as
// the message, so they hold nothing. Pure but for its state and the clock. Not here: what is stored and told (outbox.ts).
import type { SteadyClock } from "@calla/shared";

/** What of a dispatch is looked at; `cuts` and `strikes` are written here. */
export interface Suspect {
  readonly target: string;
  readonly messages: readonly unknown[];
  readonly stage: string;
  readonly held: boolean;
  /** Connections in a row that ended with it on its way. */
  cuts: number;
  /** How often it was alone on its way when one ended that had answered before. */
  strikes: number;
}

/** So many connections in a row ended with it on its way. */
const DOUBT = 2;
/** So many more did with it alone on its way, each having answered before. */
const PROOF = 3;
/** One more for each that had ended one and arrived after all, up to so many: there connections end by chance. */
const MOST_PROOF = 6;
/** Answers before what is doubted leaves; twice as many with each time that it was alone. */
const ANSWERS = 4;
/** And for how long, in terms of how long what ended a connection had been on its way; at most in milliseconds. */
const LASTING = 8;
const LONGEST_WATCH = 10_000;
/** What is asked is halved so often at most. */
const MOST_STARVED = 5;
/** For so long nothing else leaves. */
const ALONE = 2_000;
/** An answer that is lost is asked for again after. */
const ANSWER = 5_000;

/** A void one never is: there is nothing in it. */
export const isDoubted = ({ cuts, held, messages }: Suspect): boolean =>
  cuts >= DOUBT && !held && messages.length > 0;

/** Doubted by the server's own word, or by the app's that lets a held one go once more. */
export function doubt(suspects: { busy: boolean }, entry: Suspect, strikes = 0): void {
  suspects.busy = true;
  entry.cuts = DOUBT;
  entry.strikes = strikes;
}

/** It has arrived, so it has ended nothing. */
export function clear(entry: Suspect): void {
  entry.cuts = entry.strikes = 0;
}

export interface SuspectsEffects {
  /** Asks the server for a sign of life. */
  ask(): void;
  /** Calls `flush` after milliseconds. */
  later(milliseconds: number): void;
}

export type Suspects<E extends Suspect> = ReturnType<typeof createSuspects<E>>;

export function createSuspects<E extends Suspect>(clock: SteadyClock, { ask, later }: SuspectsEffects) {
  /** How many doubted ones are sent at once: a quarter of those with which a connection has ended, down to one. */
  let width = Infinity;
  /** How long what ended a connection had been on its way. */
  let longest = 0;
  /** Connections that ended by themselves before what is doubted could leave: half as much is asked of the next, each time. */
  let starved = 0;
  let proof = PROOF;
  // Of this connection: when it began, the answers it gave, when it was asked, and what is doubted and on its way.
  let since = 0;
  let answers = 0;
  let askedAt = -Infinity;
  let out: E[] = [];
  let outAt = 0;
  /** It left with less than all that is asked, so what becomes of it holds nothing. */
  let early = false;

  const now = (): number => clock.monotonic();
  /** Until they are decided, or cleared: the server has answered, and when they leave again is for its pause to say. */
  const onTheirWay = (): readonly E[] =>
    out.filter((entry) => isDoubted(entry) && (entry.stage === "sent" || entry.stage === "stored"));

  /** Whether the connection has answered often and long enough for that message to be the one that ends it. */
  function proven({ strikes }: E): boolean {
    const enough = (ANSWERS << strikes) >> starved;
    const left = since + (Math.min(LASTING * longest, LONGEST_WATCH) >> starved) - now();
    if (answers >= enough && left <= 0) return true;
    if (askedAt + ANSWER > now()) return false;
    askedAt = now();
    if (answers >= enough) later(left);
    else ask();
    return false;
  }

  const suspects = {
    /** Something may be doubted. Until then nobody asks for more than this. */
    busy: false,
    begin(): void {
      since = now();
      answers = 0;
      askedAt = -Infinity;
      out = [];
    },
    /** True: what waits for that may leave now. */
    answered(): boolean {
      if (askedAt === -Infinity) return false;
      askedAt = -Infinity;
      answers++;
      return true;
    },
    /** Something doubted has just left: nothing else does. */
    get alone(): boolean {
      return out.length > 0 && outAt + ALONE > now() && onTheirWay().length > 0;
    },
    /** Something doubted is on its way to it. */
    waitsFor: (target: string): boolean =>
      out.length > 0 && onTheirWay().some((one) => one.target === target),
    /**
     * What leaves now: all that is free, or of the doubted, of each target in order, once nothing else is on its way
     * (`beside`).
     */
    next(waiting: readonly E[], free: readonly E[], beside: boolean): readonly E[] {
      const still = onTheirWay();
      if (still.length > 0) return [...free, ...waiting.filter((entry) => still.includes(entry))];
      answers += out.length;
      if (out.some(({ strikes }) => strikes > 0)) proof = Math.min(proof + 1, MOST_PROOF);
      out = [];
      const heads = new Map<string, E>();
      for (const entry of waiting) if (!heads.has(entry.target)) heads.set(entry.target, entry);
      // Those that have seen the fewest connections end come first.
      const [first] = [...heads.values()].toSorted((a, b) => a.cuts - b.cuts);
      if (!first) {
        width = Infinity;
        starved = 0;
        return free;
      }
      if (waiting.length <= ANSWERS) width = 1;
      if (!proven(first)) return free;
      // What is free waits for it meanwhile, or there would always be something.
      if (beside) return [];
      outAt = now();
      early = starved > 0;
      later(ALONE);
      const behind = new Set<string>();
      const alike = waiting.filter(({ target, cuts }) => {
        if (cuts > first.cuts) behind.add(target);
        return !behind.has(target);
      });
      return (out = width > 1 ? alike.slice(0, width) : [first]);
    },
    /**
     * The connection ended, and nobody has said why. `all`: what has no outcome. Gives what has ended one alone too often.
     */
    ended(all: Iterable<E>): E | undefined {
      const still = onTheirWay();
      const [last] = still;
      suspects.busy = true;
      if (last) longest = Math.max(longest, now() - outAt);
      if (still.length > 1) width = Math.max(1, still.length >> 2);
      for (const entry of still) entry.cuts++;
      let waits = false;
      for (const entry of all) {
        waits ||= isDoubted(entry);
        // The network ends them by itself: what was found out before says nothing.
        if (!last) entry.strikes = 0;
        if (entry.stage === "sent" && !still.includes(entry)) entry.cuts++;
      }
      // On a line whose connections are all short it leaves all the same; where it ends them itself, more is asked again.
      if (last) starved = Math.max(0, starved - 1);
      else if (waits) starved = Math.min(starved + 1, MOST_STARVED);
      out = [];
      if (still.length !== 1 || !last || early || ++last.strikes < proof) return undefined;
      return last;
    },
    /** The server has said of one of these that it will not have it. Gives which, if that is known. */
    refused(sent: readonly E[]): E | undefined {
      const still = onTheirWay();
      const among = still.length > 0 ? still : sent;
      out = [];
      // Beside one that was not alone something else was said, and it may have been that.
      if (still.length === 1) return still[0];
      for (const entry of among) doubt(suspects, entry);
      width = Math.max(1, among.length >> 2);
      return undefined;
    },
  };
  return suspects;
}
