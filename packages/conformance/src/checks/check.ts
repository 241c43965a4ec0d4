// What a check is: an id, what must hold, and what shows that it does: conversations that are played as they are written, or
// code, for what no fixed conversation can say. The runner (`run/`) plays them; `table.ts` lists them.
import type { Hearing, Json, Scenario, Step } from "../recording/recording.ts";

/** As Phoenix answers, or as Calla does where it differs on purpose (◆). */
export type Mode = "strict" | "calla";

/** What a check talks over. "http": single requests of neither. */
export type Over = "websocket" | "longpoll" | "http";

/** A conversation, with the other orders in which a server may answer too. */
export interface Conversation extends Scenario {
  /** The same deeds, what is heard in another legal order. Recorded ones have theirs in recordings/races.jsonl. */
  readonly or?: readonly (readonly Step[])[];
}

/** Where Calla answers otherwise on purpose, by the name of the conversation. */
export interface Difference {
  /** A sentence. */
  readonly why: string;
  /** What Calla answers: the steps as recorded (or written), with what it says in their place. */
  steps(recorded: readonly Step[]): readonly Step[];
  /** Whether Calla differs so under its option `strictPhoenix` too; a function, where it says something else again then. Default: no. */
  readonly always?: boolean | ((recorded: readonly Step[]) => readonly Step[]);
  /** It may answer as recorded, too: that depends on what comes to it at once. */
  readonly alsoAsRecorded?: true;
}

/** By the names of conversations, recorded and written. */
export type Differences = Readonly<Record<string, Difference>>;

/** A rule of the wire, and what shows that a server keeps it. */
export interface Check {
  /** Two letters and a number, `JN1`; `LP31a` exists. */
  readonly id: string;
  /** What must hold, in a sentence. */
  readonly says: string;
  readonly over: readonly Over[];
  /** Names of recorded conversations; each must go as it was recorded. */
  readonly scenarios?: readonly string[];
  /** Conversations that nobody recorded. Their names are no recorded one's, and no other check's. */
  readonly written?: readonly Conversation[];
  /**
   * Names of its conversations, said over WebSocket, that are played over a LongPoll session as well. Their steps are `upgrade`
   * with `vsn=2…` and no headers, `text`, `vanish`, `pause`, and what is heard is `upgraded` and `text`.
   */
  readonly overLongPoll?: readonly string[];
  /** For what no fixed conversation can say. It throws where the server is wrong; the methods of the peer do so. */
  readonly run?: (peer: Peer) => Promise<void>;
  /** Of a check with `run` which asks something else of Calla: why Calla differs. */
  readonly differs?: string;
  /** Paths of sockets that `run` needs (`"/quick"`). Those of conversations are read from them. */
  readonly needs?: readonly string[];
  /** A rule of Calla's own, which no other server is asked about: in mode "strict" it is not run. */
  readonly only?: "calla";
  /** Where it has neither conversations nor `run`: why, in a sentence. It is listed as not run. */
  readonly notRun?: string;
}

/** What a check with `run` is given. Connections are closed behind it. */
export interface Peer {
  readonly mode: Mode;
  /** Milliseconds, of the clock that `pause` passes. */
  now(): number;
  /** Lets so many milliseconds pass, of the clock that `now` reads. */
  pause(milliseconds: number): Promise<void>;
  /** A topic that no other check uses, and no other run: `room:<id>-<random>`, or with a beginning of its own. */
  topic(beginning?: string): string;
  /** Opens a WebSocket, and waits until it is open. `path`: `/socket/websocket?vsn=2.0.0`. */
  websocket(path: string, headers?: Readonly<Record<string, string>>): Promise<PeerConnection>;
  /** Begins a LongPoll session that keeps polling, and waits until it has its token. `path`: `/socket/longpoll?vsn=2.0.0`. */
  longpoll(path: string, headers?: Readonly<Record<string, string>>): Promise<PeerConnection>;
  /** One HTTP request, over a connection of its own; undefined where the connection ended unanswered. */
  ask(request: PeerRequest): Promise<PeerAnswer | undefined>;
  /** Plays a conversation of several connections from the beginning; throws at the first difference. */
  play(steps: readonly Step[]): Promise<void>;
  /** Throws: the server is wrong. `expected` and `heard` stand in the report, one above the other. */
  fail(says: string, expected?: Json, heard?: Json): never;
}

/** An HTTP request of a check. Host, the length of the body and `connection: close` are added. */
export interface PeerRequest {
  readonly method: string;
  readonly path: string;
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: none. */
  readonly body?: string | Uint8Array;
}

/** What an HTTP request is answered; names of headers in lower case. */
export interface PeerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body, where it is JSON. */
  readonly json?: Json;
}

/** One connection of a check: what it says goes out at once, what it hears waits in order until it is asked for. */
export interface PeerConnection {
  /** JSON, or a text as it is. */
  text(frame: Json): void;
  /** Of a WebSocket. */
  binary(bytes: Uint8Array): void;
  /** Of a WebSocket: bytes that may be no frame. */
  raw(bytes: Uint8Array): void;
  /** Of a WebSocket: a close frame. */
  close(code?: number): void;
  /** Cuts the connection. */
  vanish(): void;
  /** Of a WebSocket: takes nothing in from now on, as a client that hangs. */
  stopReading(): void;
  /** Takes in what has come since, and what comes. */
  readAgain(): void;
  /** Waits for the next thing, and throws unless it is this one. */
  hears(...expected: readonly Hearing[]): Promise<void>;
  /** The same of frames: `hearsFrames(["1","1",topic,"phx_reply",{…}])`. */
  hearsFrames(...expected: readonly Json[]): Promise<void>;
  /** Waits for so many frames, and throws unless they are these, in any order. */
  hearsInAnyOrder(...expected: readonly Json[]): Promise<void>;
  /** Waits for the next thing, whatever it is; throws when none comes in good time. */
  next(): Promise<Hearing>;
  /** The same of a frame of text, as it was written. */
  nextText(): Promise<string>;
  /** Throws if anything comes within so many milliseconds. Default: 60. */
  hearsNothing(within?: number): Promise<void>;
}

/**
 * Whether a check tells a server that answers as Calla from Phoenix: it has ◆.
 *
 * @example
 * checks.filter((check) => differsIn(check, differences)).map(({ id }) => id); // ["CN55", …]
 */
export function differsIn(check: Check, differences: Differences): boolean {
  return (
    check.differs !== undefined || conversationNames(check).some((name) => differences[name] !== undefined)
  );
}

/** The names of what a check plays. */
export function conversationNames({ scenarios = [], written = [] }: Check): readonly string[] {
  return [...scenarios, ...written.map(({ scenario }) => scenario)];
}
