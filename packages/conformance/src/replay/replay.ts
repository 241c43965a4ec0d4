// Replays a scenario against a server: says what the client said, each thing once everything has been heard that the client
// had heard before it, and compares what each connection hears, in order. Time plays no part, unless the recording has a pause.
import { ask } from "../wire/request.ts";
import { LongPollSession } from "../wire/longpoll-session.ts";
import { authorityOf } from "../wire/reach.ts";
import { RawSocket, type Heard } from "../wire/raw-socket.ts";
import type { Deed, Hearing, Scenario } from "../recording/recording.ts";
import { asHearing, isAsRecorded, shown } from "./compare.ts";
import { fill, type Known } from "./forms.ts";
import { isComplete, mayComeNext, type Place } from "./order.ts";

/** Where the server is, and how patient the replay is with it. */
export interface ReplayOptions {
  readonly host: string;
  readonly port: number;
  /** Over TLS. Default: no. */
  readonly secure?: boolean;
  /** Stands before every path. Default: nothing. */
  readonly prefix?: string;
  /** How long to wait for what must come, in ms, whatever time it is. Default: 5,000. */
  readonly patience?: number;
  /** How long to listen for more at the end, in ms. Default: 60. */
  readonly settle?: number;
  /** How time passes for pauses and waits: a server in this process may have a clock of its own. Default: by itself. */
  readonly time?: ReplayTime;
}

/** The time that a server and its replay have in common. */
export interface ReplayTime {
  /** Milliseconds. */
  now(): number;
  /** Resolves when so many milliseconds have passed, and what had been sent before has arrived. */
  pass(ms: number): Promise<void>;
}

/** Time as it passes by itself. */
export const realTime: ReplayTime = {
  now: () => performance.now(),
  pass: (ms) => pause(ms),
};
/** What comes late by more than this many times what was recorded is missing. */
const LATEST = 4;

/** A connection under replay. */
interface Line {
  readonly heard: (Heard & { readonly since: number })[];
  readonly expected: Place[];
  peer?: RawSocket | LongPollSession;
  giveUp?: () => void;
  said: number;
  /** What it did last. */
  did?: Deed;
}

/** Where a connection did not hear what the scenario says. */
export interface Mismatch {
  readonly who: string;
  /** Which thing of this connection it is, from 1. */
  readonly at: number;
  /** What the client had done before. */
  readonly said?: Deed;
  /** Undefined: nothing more. */
  readonly expected?: Hearing;
  /** Undefined: nothing. */
  readonly heard?: Hearing;
  /** When it was heard, in ms since the connection last said something. */
  readonly late?: number;
}

/**
 * Replays one scenario.
 *
 * @returns the differences, a sentence each; none where the server is as it was recorded.
 * @example
 * for (const { scenarios } of readRecordings())
 *   for (const scenario of scenarios) console.log(await replay(scenario, { host: "127.0.0.1", port: 4000 }));
 */
export async function replay(scenario: Scenario, options: ReplayOptions): Promise<string[]> {
  return (await mismatches(scenario, options)).map(sentence);
}

/** Replays one scenario: the first difference of each connection. `signal` ends it. */
export async function mismatches(
  scenario: Scenario,
  options: ReplayOptions,
  signal?: AbortSignal,
): Promise<Mismatch[]> {
  const run = new Replay(options);
  const end = (): void => run.end();
  signal?.addEventListener("abort", end);
  try {
    for (const step of scenario.steps) {
      if (signal?.aborted === true) break;
      if ("hear" in step) run.expect(step);
      // At once: what comes after its time must not make the rest, which is not said, look well.
      else if (!(await run.caughtUp())) return run.differences();
      else await run.perform(step);
    }
    await run.caughtUp();
    await pause(options.settle ?? 60);
    return run.differences();
  } finally {
    signal?.removeEventListener("abort", end);
    run.end();
  }
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #lines = new Map<string, Line>();
  readonly #known: Known;
  readonly #time: ReplayTime;
  #wake: () => void = () => undefined;
  #deeds = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#time = options.time ?? realTime;
    // What shows the host shows the path behind it, too.
    this.#known = new Map([["host", `${authorityOf(options)}${options.prefix ?? ""}`]]);
  }

  expect(hearing: Hearing): void {
    this.#line(hearing.who).expected.push({ hearing, stretch: this.#deeds });
  }

  /** Waits until each connection has heard as much as it must. False where one has not, in good time. */
  async caughtUp(): Promise<boolean> {
    const { patience = 5000 } = this.#options;
    const until = performance.now() + patience;
    let passed = 0;
    for (let line = this.#behind(); line !== undefined; line = this.#behind()) {
      const after = afterOf(line);
      if (after !== undefined && passed < LATEST * after) {
        const due = Math.max(line.said + after - this.#time.now(), after / 10);
        passed += due;
        await this.#time.pass(due);
        continue;
      }
      const left = until - performance.now();
      if (left <= 0) return false;
      await this.#woken(left);
    }
    // Tokens become known as they are compared.
    this.differences();
    return true;
  }

  /** A connection that must still hear something; one whose wait is known rather than another. */
  #behind(): Line | undefined {
    const behind = [...this.#lines.values()].filter((line) => this.#isBehind(line));
    return behind.find((line) => afterOf(line) !== undefined) ?? behind[0];
  }

  #isBehind(line: Line): boolean {
    const { heard, expected } = line;
    if (heard.length >= expected.length) return false;
    if (heard.length < expected.filter(({ hearing }) => hearing.maybe !== true).length) return true;
    // As many as must come: but some of them may be such as need not.
    const { left, wrong } = this.#compared(line);
    return wrong === undefined && !isComplete(left);
  }

  async #woken(atMost: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, atMost);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async perform(deed: Deed): Promise<void> {
    this.#deeds += 1;
    if (deed.do === "pause") return this.#time.pass(deed.ms);
    const line = this.#line(deed.who);
    line.said = this.#time.now();
    line.did = deed;
    const known = this.#known;
    const { host, port, secure = false, prefix = "" } = this.#options;
    const at = { host, port, secure };
    const hear = (heard: Heard): void => this.#heard(line, heard);
    switch (deed.do) {
      case "upgrade": {
        const { path, headers, protocols, behind, about } = deed;
        const optional = {
          ...(headers === undefined ? {} : { headers }),
          ...(protocols === undefined ? {} : { protocols }),
          ...(behind === undefined ? {} : { behind: Buffer.from(behind, "hex") }),
        };
        const others = about === undefined ? () => false : (heard: Heard) => isOfAnother(heard, about);
        line.peer = new RawSocket({ ...at, path: prefix + path, ...optional }, (heard) => {
          if (!others(heard)) hear(heard);
        });
        return;
      }
      case "longpoll":
        line.peer = new LongPollSession(
          {
            ...at,
            path: prefix + deed.path,
            ...(deed.headers === undefined ? {} : { headers: deed.headers }),
          },
          hear,
        );
        return;
      case "request": {
        const { method, path, headers = {}, body } = deed;
        const filled = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, fill(value, known)]),
        );
        line.giveUp = ask(
          {
            ...at,
            method,
            path: prefix + fill(path, known),
            headers: filled,
            ...(body === undefined ? {} : { body: fill(body, known) }),
          },
          hear,
        );
        return;
      }
      case "vanish":
        line.giveUp?.();
        return line.peer?.vanish();
      case "text":
        return line.peer?.text(fill(deed.text, known));
    }
    if (!(line.peer instanceof RawSocket)) throw new Error(`Only a socket can ${deed.do}.`);
    if (deed.do === "close") line.peer.close(deed.code);
    else line.peer[deed.do](Buffer.from(deed.hex, "hex"));
  }

  /** Where a connection did not hear what the recording says: the first such thing of each. */
  differences(): Mismatch[] {
    return [...this.#lines].flatMap(([who, line]) => {
      const { heard, did: said } = line;
      const { left, wrong } = this.#compared(line);
      if (wrong === undefined && isComplete(left)) return [];
      const did = wrong === undefined ? undefined : heard[wrong];
      // What need not come is not what was missed.
      const must = left.find(({ hearing }) => hearing.maybe !== true)?.hearing;
      return [
        {
          who,
          at: (wrong ?? heard.length) + 1,
          ...(said === undefined ? {} : { said }),
          ...(must === undefined ? {} : { expected: must }),
          ...(did === undefined ? {} : { heard: asHearing(did), late: Math.round(did.ms - did.since) }),
        },
      ];
    });
  }

  /** What a connection has not heard yet, and the first thing that it heard and should not have. */
  #compared({ heard, expected }: Line): { readonly left: readonly Place[]; readonly wrong?: number } {
    let left: readonly Place[] = expected;
    for (const [at, actual] of heard.entries()) {
      const is = mayComeNext(left).find(({ hearing }) => {
        const known = new Map(this.#known);
        if (!isAsRecorded(hearing, actual, actual.since, known)) return false;
        for (const [name, value] of known) this.#known.set(name, value);
        return true;
      });
      if (is === undefined) return { left, wrong: at };
      left = left.filter((other) => other !== is);
    }
    return { left };
  }

  end(): void {
    for (const { peer, giveUp } of this.#lines.values()) {
      peer?.vanish();
      giveUp?.();
    }
  }

  #line(who = "main"): Line {
    const line = this.#lines.get(who) ?? { heard: [], expected: [], said: 0 };
    this.#lines.set(who, line);
    return line;
  }

  #heard(line: Line, heard: Heard): void {
    line.heard.push({ ...heard, ms: this.#time.now(), since: line.said });
    this.#wake();
  }
}

/** How long it is silent before the next thing, where that is recorded. */
const afterOf = ({ heard, expected }: Line): number | undefined => expected[heard.length]?.hearing.after;

/** A mismatch in words. */
function sentence({ who, at, expected, heard, late }: Mismatch): string {
  const did = heard === undefined ? "nothing" : `${shown(heard)} ${late} ms later`;
  return `${who}, ${at}: ${did}, where Phoenix says ${expected === undefined ? "nothing" : shown(expected)}`;
}

/** Whether it is a broadcast that speaks of another topic than the scenario's own. */
function isOfAnother(heard: Heard, about: string): boolean {
  if (heard.heard !== "text") return false;
  const [, , , event, payload] = JSON.parse(heard.text);
  return event === "terminated" && payload.topic !== about;
}

const pause = async (ms: number): Promise<void> => {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
};
