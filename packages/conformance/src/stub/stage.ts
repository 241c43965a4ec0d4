// Where recorded conversations are played: each group of connections that belong together is a thread, with the ways in which it
// may be a recorded conversation. What all ways agree on is said at once; what a client does rules out the others.
import type { Hearing, Json } from "../recording/recording.ts";
import type { Frame } from "../wire/frame.ts";
import type { Line, Requested } from "./line.ts";
import { Play, type Due } from "./play.ts";
import { jsonOfFrame, partsOfFrame, type FrameParts, type Script } from "./script.ts";
import type { StubTime } from "./stub-time.ts";

/** Something that a client did, and no recorded conversation has there. */
export interface Unrecorded {
  readonly line: Line;
  readonly did: Frame | Requested;
  /** The conversations that it might have been until then. */
  readonly until: readonly Play[];
}

export interface StageOptions {
  readonly scripts: readonly Script[];
  readonly host: string;
  readonly time: StubTime;
  readonly onUnrecorded: (what: Unrecorded) => void;
  /** A thing that is said, and by which conversation. */
  readonly onSaid: (line: Line, hearing: Hearing, play: Play) => void;
  /** What is said in place of a recorded thing. Default: that. */
  readonly err?: (hearing: Hearing, conversation: string) => readonly Hearing[];
}

/** Alternatives to each other. */
interface Thread {
  plays: readonly Play[];
  /** Of which it has begun. */
  readonly topic?: string;
  cancel?: () => void;
}

export class Stage {
  readonly #options: StageOptions;
  readonly #threads = new Set<Thread>();
  /** Topics that a line has spoken of: no other conversation may begin there. */
  readonly #topics = new Map<Line, Map<string, Json>>();

  /** The conversations that a line may begin, opened as it is. */
  readonly #beginnings = new WeakMap<Line, readonly Play[]>();

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** A line is open. What it hears though it says nothing begins here. */
  opened(line: Line): void {
    line.said = this.#options.time.now();
    const plays = this.#fresh(line, (play) => (play.script.silent && play.firstIs(line) ? play : undefined));
    if (plays.length > 0) this.#begin(plays);
  }

  /** A line has said a frame. False: none that was recorded. */
  says(line: Line, frame: Frame): boolean {
    line.said = this.#options.time.now();
    const said = { frame, json: jsonOfFrame(frame) };
    const parts = said.json === undefined ? undefined : partsOfFrame(said.json);
    const topic = typeof parts?.topic === "string" ? parts.topic : undefined;
    for (const thread of this.#of(line)) {
      if (thread.plays.every(({ script }) => script.silent)) this.#end(thread);
    }
    const begun = topic !== undefined && this.#topics.get(line)?.has(topic) === true;
    // Before it is answered, for the answer may end it.
    if (topic !== undefined) this.#noteTopic(line, topic, parts);
    const taken = this.#taken(line, topic, begun, (play) => play.says(line, said));
    // What becomes of a join that nobody recorded is not known, so nothing else is said of its topic.
    if (!taken && !begun && topic !== undefined && parts?.event !== "phx_join") {
      this.#topics.get(line)?.delete(topic);
    }
    if (!taken) this.#unrecorded(line, frame);
    return taken;
  }

  /** A request of its own. False: none that was recorded, or not there. */
  asks(line: Line, request: Requested, token: string | undefined): boolean {
    line.said = this.#options.time.now();
    const threads = [...this.#threads];
    const going = threads.filter(({ plays }) => token !== undefined || plays.length === 1);
    for (const thread of going) {
      const next = thread.plays.flatMap((play) => play.asked(line, request) ?? []);
      // A first request may begin another conversation as well: only what has connections besides is surely meant.
      if (next.length > 0 && (token !== undefined || has(thread, (other) => other.opening !== undefined))) {
        this.#goOn(thread, next);
        return true;
      }
    }
    const fresh = this.#options.scripts.flatMap(
      (script) => Play.of(script, this.#options.host).beginningWith(line, request) ?? [],
    );
    if (fresh.length === 0) return false;
    this.#begin(fresh);
    return true;
  }

  /** A line is no more. */
  gone(line: Line): void {
    line.over = true;
    line.said = this.#options.time.now();
    for (const thread of this.#of(line)) {
      const next = thread.plays.flatMap((play) => play.cut(line) ?? []);
      if (next.length > 0) this.#goOn(thread, next);
      else if (!has(thread, (other) => !other.over)) this.#end(thread);
    }
    this.#topics.delete(line);
  }

  /** What a line might be. */
  playsOf(line: Line): Play[] {
    return this.#of(line).flatMap(({ plays }) => plays.filter((play) => play.has(line)));
  }

  /** Whether a line hears such a thing next, whatever it does. */
  awaits(line: Line, kind: Hearing["hear"]): boolean {
    return this.playsOf(line).some((play) => {
      const due = play.due(this.#options.time.now());
      return due?.line === line && due.hearing.hear === kind;
    });
  }

  /** What is going on, where there is one way only. */
  decided(): Play[] {
    return [...this.#threads].flatMap(({ plays }) => (plays.length === 1 ? plays : []));
  }

  end(): void {
    for (const thread of this.#threads) this.#end(thread);
  }

  /** `begun`: there has been talk of the topic, which has not ended. */
  #taken(
    line: Line,
    topic: string | undefined,
    begun: boolean,
    take: (play: Play) => Play | undefined,
  ): boolean {
    const mine = this.#of(line);
    const mayBegin = !begun || topic === "phoenix";
    for (const thread of mine.toReversed()) {
      const next = thread.plays.flatMap((play) => take(play) ?? []);
      // Under its own names a client that turns to another topic has two conversations rather than one of two topics.
      const apart = mayBegin && topic !== undefined && next.every(({ distance }) => distance > 0);
      if (next.length > 0 && !(apart && this.#fresh(line, take).length > 0)) return this.#goOn(thread, next);
    }
    const other = this.#joinable(line, topic, mine, take);
    if (other !== undefined) return this.#goOn(other.thread, other.next);
    const fresh = mayBegin ? this.#fresh(line, take) : [];
    if (fresh.length === 0) return false;
    if (topic === "phoenix") this.#dropHeartbeats(line);
    return this.#begin(fresh, topic);
  }

  /** The thread that a line belongs to from now on: of several, the one that has come furthest. */
  #joinable(
    line: Line,
    topic: string | undefined,
    mine: readonly Thread[],
    take: (play: Play) => Play | undefined,
  ): { readonly thread: Thread; readonly next: readonly Play[] } | undefined {
    let best: { thread: Thread; next: readonly Play[]; done: number } | undefined;
    for (const thread of this.#threads) {
      if (mine.includes(thread)) continue;
      const next = thread.plays.flatMap((play) =>
        play.joinedBy(line).flatMap((joined) => {
          const taken = take(joined);
          const shared = topic !== undefined && play.knowsTopic(topic);
          return taken !== undefined && (shared || taken.distance === 0) ? [taken] : [];
        }),
      );
      const done = Math.max(0, ...next.map(({ progress }) => progress.done));
      if (next.length > 0 && (best === undefined || done > best.done)) best = { thread, next, done };
    }
    return best;
  }

  #fresh(line: Line, take: (play: Play) => Play | undefined): Play[] {
    const beginnings =
      this.#beginnings.get(line) ??
      this.#options.scripts.flatMap((script) => Play.of(script, this.#options.host).joinedBy(line));
    this.#beginnings.set(line, beginnings);
    return beginnings.flatMap((play) => {
      const taken = take(play);
      // Connections may overtake each other: one that is not the first is known by the recorded words alone.
      return taken !== undefined && (play.firstIs(line) || taken.distance === 0) ? [taken] : [];
    });
  }

  #begin(plays: readonly Play[], topic?: string): true {
    const thread: Thread = { plays, ...(topic === undefined ? {} : { topic }) };
    this.#threads.add(thread);
    return this.#goOn(thread, plays);
  }

  #goOn(thread: Thread, plays: readonly Play[]): true {
    const exact = plays.filter(({ distance }) => distance === 0);
    thread.plays = exact.length > 0 ? exact : plays;
    this.#say(thread);
    return true;
  }

  /** Says what is due, and comes back when something will be. */
  #say(thread: Thread): void {
    thread.cancel?.();
    for (;;) {
      const now = this.#options.time.now();
      let first: { play: Play; due: Due } | undefined;
      for (const play of thread.plays) {
        const due = play.due(now);
        if (due !== undefined && (first === undefined || due.at < first.due.at)) first = { play, due };
      }
      if (first === undefined) return;
      if (first.due.at > now) {
        thread.cancel = this.#options.time.setTimeout(() => this.#say(thread), first.due.at - now);
        return;
      }
      const { play, due } = first;
      const said = play.say(due);
      thread.plays = thread.plays.filter((other) => other === play || other.agrees(due.line, said));
      this.#hear(due.line, said, play);
    }
  }

  #hear(line: Line, said: Hearing, play: Play): void {
    this.#options.onSaid(line, said, play);
    this.#noteEnd(line, said);
    for (const heard of this.#options.err?.(said, play.script.name) ?? [said]) line.hear(heard);
    if (said.hear !== "text" || partsOfFrame(said.json)?.event !== "terminated") return;
    // It is broadcast, so all who watch hear it, of whatever conversation they are.
    for (const thread of this.#threads) {
      for (const other of thread.plays.flatMap((each) =>
        [...each.lines].filter((one) => each.watches(one)),
      )) {
        if (other !== line && !other.over && !this.#told.has(other)) {
          this.#told.add(other);
          other.hear(said);
        }
      }
    }
    this.#told.clear();
  }

  readonly #told = new Set<Line>();

  #noteTopic(line: Line, topic: string, parts: FrameParts | undefined): void {
    const topics = this.#topics.get(line) ?? new Map<string, Json>();
    this.#topics.set(line, topics);
    if (parts?.event === "phx_join") topics.set(topic, parts.joinRef ?? parts.ref);
    else if (!topics.has(topic)) topics.set(topic, null);
  }

  /** Where the last join of a topic has ended, another conversation may begin. */
  #noteEnd(line: Line, said: Hearing): void {
    if (said.hear !== "text") return;
    const parts = partsOfFrame(said.json);
    const topics = this.#topics.get(line);
    if (parts === undefined || typeof parts.topic !== "string" || topics?.get(parts.topic) !== parts.joinRef)
      return;
    const refused =
      parts.event === "phx_reply" && parts.ref === parts.joinRef && statusOf(parts.payload) === "error";
    if (refused || parts.event === "phx_close" || parts.event === "phx_error") topics?.delete(parts.topic);
  }

  #unrecorded(line: Line, did: Frame): void {
    this.#options.onUnrecorded({ line, did, until: this.playsOf(line) });
  }

  /** Each heartbeat is a conversation; the earlier ones need not be kept. */
  #dropHeartbeats(line: Line): void {
    for (const thread of this.#of(line)) if (thread.topic === "phoenix") this.#end(thread);
  }

  #of(line: Line): Thread[] {
    return [...this.#threads].filter(({ plays }) => plays.some((play) => play.has(line)));
  }

  #end(thread: Thread): void {
    thread.cancel?.();
    this.#threads.delete(thread);
  }
}

const has = ({ plays }: Thread, is: (line: Line) => boolean): boolean =>
  plays.some((play) => [...play.lines].some(is));

const statusOf = (payload: Json): Json | undefined =>
  typeof payload === "object" && payload !== null && !Array.isArray(payload)
    ? (payload as Readonly<Record<string, Json>>)["status"]
    : undefined;
