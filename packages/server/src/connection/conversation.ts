// One connection's protocol life: bytes in, frames that are allowed in this state out. It knows who speaks, what the
// client has subscribed, and how it ends. A field that another part writes names that part. Not here: doing what the
// frames ask (router.ts).
import { asFrame, clientFrames, CallaError } from "@calla/shared";
import type {
  AppCode,
  ClientFrame,
  ClientFrames,
  ClosingCode,
  Limits,
  ServerFrame,
  TargetKey,
} from "@calla/shared";
import type { Asker } from "../app/app-checks.ts";
import type { Inquiry } from "../app/inquiry.ts";
import type { Connection, ConnectRequest, WireFrame } from "../base/connection.ts";
import { connectionEnd } from "../base/ending.ts";
import type { ConnectionEnd } from "../base/ending.ts";
import type { Encoder, Shared } from "../context/encoder.ts";
import type { AnyUser, Who } from "../app/handlers.ts";
import type { Author } from "../log/log.ts";
import { Membership } from "./parties.ts";
import type { Admitted } from "../app/intent.ts";

/** Whose Hello it is, and its place among all: of two by one client the later one counts, whoever is identified first. */
export interface Turn {
  readonly order: number;
  /** Which page said it, and its count of them. */
  readonly attempt: ClientFrames["Hello"]["attempt"];
}

/** Let in: it may say everything. */
export interface Open extends Turn {
  readonly phase: "open";
  readonly clientId: string;
  /** With what is new about it; another user is another client. */
  user: AnyUser | null;
  readonly since: number;
}

/** Nothing counts any more. `code`: why the server ended it; "": it did not. */
export interface Closed {
  readonly phase: "closed";
  readonly was: Open | undefined;
  readonly code: ClosingCode | AppCode | "";
  /** Milliseconds within which its client was told to come back. */
  readonly within: number;
}

/** A conversation's life. What is known in one state only, is there in no other. `waiting`: no Hello yet. */
export type ConversationState =
  | { readonly phase: "waiting" }
  | (Turn & { readonly phase: "greeting" })
  | Open
  | Closed;

export type ConversationPhase = ConversationState["phase"];

const WAITING: ConversationState = { phase: "waiting" };

/**
 * What kind of speaker a conversation is. `page`: a page's connection. `poll`: a page without a stream asks for news; it
 * ends as soon as it is caught up. `flush`: it only sends what a page that is gone has left, subscribes to nothing and is
 * nobody's page (CV17). `packet`: one packet that speaks for a client, and has no subscriptions of its own
 * (packet-conversation.ts).
 */
export type Speaker = "page" | "poll" | "flush" | "packet";

/** A conversation's subscription to one target. A newer request replaces the object: its identity is the request's. */
export interface TargetSubscription {
  readonly ref: number;
  /** The app allows it. A newer request inherits that, unless the app is being asked: a gap or a wake-up does not ask again. */
  admitted: boolean;
  /** onSubscribe was called, so onUnsubscribe is due when it ends. */
  welcomed: boolean;
  /** The client is sent updates. Before that it is authorised and caught up. */
  live: boolean;
  /** What the app is being asked about it: for the first time, or again. A newer request goes by the same answer. */
  inquiry: Inquiry<Admitted> | undefined;
}

/**
 * What a connection may reach, as far as the app has said. Only hub/access.ts reads and
 * writes it.
 */
export class AccessState {
  readonly asker: Asker;
  /** What the app is being asked; a change of rights reaches each of them (AU15). Made when first needed, like the others. */
  inquiries: Set<Inquiry<Admitted>> | undefined;
  /** Of topics that the client dispatches to without a subscription: what waits for the answer, or "open": it may. */
  gates: Map<TargetKey, ((admitted: Admitted) => void)[] | "open"> | undefined;
  /** Topics that the server has subscribed this client to (`server.subscribe`). */
  granted: Set<TargetKey> | undefined;

  constructor(asker: Asker) {
    this.asker = asker;
  }
}

/** Close codes on a WebSocket: one for "come back", one for "do not". The reason is the Calla code. */
const CLOSE_RETRYABLE = 4001;
const CLOSE_TERMINAL = 4002;

/**
 * Whoever keeps conversations. It lies above them and hears by these calls what only a conversation notices: that its
 * connection does not take in what it is sent, and that it has ended. One object for all, so that a connection costs no
 * closures.
 */
export interface ConversationKeeper {
  /** Above so many unwritten bytes `full` is called with every frame. */
  readonly fullBytes: number;
  full(conversation: Conversation, waiting: number): void;
  /** It is closed. May be called more than once. */
  ended(conversation: Conversation): void;
  report(error: unknown): void;
}

export class Conversation implements Who {
  readonly #keeper: ConversationKeeper;
  readonly connection: Connection;
  readonly request: ConnectRequest;
  readonly encoder: Encoder;
  #author: Author | undefined;
  #state: ConversationState = WAITING;
  /** Known from its Hello on, of a packet from its start (admission.ts). */
  speaker: Speaker = "page";
  /** The connection here of the client that a packet speaks for (admission.ts). */
  stream: Conversation | undefined;
  /** hub/subscriptions.ts adds and removes them. */
  subscriptions = new Map<TargetKey, TargetSubscription>();
  /** Targets that it has sent messages to while it was not live there: hub/dispatch.ts adds, hub/catch-up.ts removes. */
  sentTo: Set<TargetKey> | "many" | undefined;
  /** hub/access.ts's, made when first needed. */
  access: AccessState | undefined;
  /** Its calls of `authenticate`: authenticate.ts's, made when first needed. */
  authenticating: Asker | undefined;
  /** Whom its limits count, and what that has used up of its rates. Here, for every message asks; parties.ts writes it. */
  readonly membership: Membership;
  /** The server is about to end it: its messages are for another node (drain.ts). */
  leaving = false;
  /** Its peer has closed the connection on purpose: it does not come back by itself (server.ts). */
  farewell = false;
  #conflicts: Set<TargetKey> | undefined;

  /** `address`: what it is counted by until it is known who it is. */
  constructor(
    keeper: ConversationKeeper,
    connection: Connection,
    request: ConnectRequest,
    encoder: Encoder,
    address: string | undefined,
  ) {
    this.#keeper = keeper;
    this.connection = connection;
    this.request = request;
    this.encoder = encoder;
    this.membership = new Membership(address);
  }

  get address(): string | undefined {
    return this.membership.address;
  }

  get state(): ConversationState {
    return this.#state;
  }
  get phase(): ConversationPhase {
    return this.#state.phase;
  }
  /** Like a look at `phase`, where that may have changed since the last one. */
  is(phase: ConversationPhase): boolean {
    return this.#state.phase === phase;
  }
  greets(turn: Turn): void {
    this.#state = { phase: "greeting", ...turn };
  }
  opens(open: Omit<Open, "phase">): void {
    this.#state = { phase: "open", ...open };
  }
  /** The first end counts. */
  closes(code: ClosingCode | AppCode | "" = "", within = 0): Closed {
    const state = this.#state;
    if (state.phase === "closed") return state;
    const closed: Closed = { phase: "closed", was: this.#opened, code, within };
    this.#state = closed;
    return closed;
  }
  get #opened(): Open | undefined {
    const state = this.#state;
    return state.phase === "open" ? state : state.phase === "closed" ? state.was : undefined;
  }
  /** "" until it is let in. */
  get clientId(): string {
    return this.#opened?.clientId ?? "";
  }
  get user(): AnyUser | null {
    return this.#opened?.user ?? null;
  }
  set user(user: AnyUser | null) {
    const open = this.#opened;
    if (open !== undefined) open.user = user;
  }
  get userId(): string | null {
    return this.user?.id ?? null;
  }
  /** One object for all its records: they are many, and kept long. Read once the conversation is open. */
  get author(): Author {
    return (this.#author ??= { clientId: this.clientId, userId: this.userId });
  }
  /** It speaks for a client whose stream is here: it has that one's subscriptions, and no longer than that (S43). */
  leanOn(stream: Conversation): void {
    this.stream = stream;
    this.subscriptions = stream.subscriptions;
  }
  /** A mid was used twice: nothing more is taken for this target before a new Hello (TE5). */
  refuseFurther(key: TargetKey): void {
    (this.#conflicts ??= new Set()).add(key);
  }
  refusesFurther(key: TargetKey): boolean {
    return this.#conflicts?.has(key) === true;
  }
  /** Targets for which nothing more is taken. */
  get conflicts(): number {
    return this.#conflicts?.size ?? 0;
  }
  send(frame: ServerFrame): void {
    if (this.phase !== "closed") this.sendEncoded(this.encoder.encode(frame));
  }
  sendShared(shared: Shared): void {
    if (this.phase !== "closed") this.sendEncoded(shared.in(this.encoder));
  }
  sendEncoded(frame: WireFrame): void {
    if (this.phase === "closed") return;
    try {
      this.connection.send(frame);
      // Asked with every frame: a consumer that only listens would otherwise never be found slow (CV12).
      const waiting = this.connection.bufferedAmount();
      if (waiting > this.#keeper.fullBytes && !this.is("closed")) this.#keeper.full(this, waiting);
    } catch (error) {
      this.#keeper.report(error);
      this.end("transport");
    }
  }
  /** Sends a last word and closes. The transport's own close then finds everything done. */
  end(end: ConnectionEnd, within = 0): void {
    if (this.phase !== "closed") {
      const { code, retryable } = connectionEnd(end);
      this.closes(code, within);
      try {
        this.#lastWord(code, retryable, within);
      } catch (error) {
        this.#keeper.report(error); // a socket that threw is as gone as any
      }
    }
    this.#keeper.ended(this);
  }
  #lastWord(code: ClosingCode | AppCode, retryable: boolean, within: number): void {
    try {
      this.connection.send(this.encoder.encode({ type: "Closing", code, retryable, within }));
    } finally {
      this.connection.close(retryable ? CLOSE_RETRYABLE : CLOSE_TERMINAL, code);
    }
  }
  /** Nothing that a peer says may throw; what does all the same costs its own connection. */
  fail(error: unknown): void {
    this.#keeper.report(error);
    this.end("failed");
  }
  /** It has what there was: it ends without a word. */
  finish(): void {
    if (this.phase === "closed") return;
    this.closes();
    this.connection.finish?.();
    this.#keeper.ended(this);
  }
  /** Its socket has closed, and nothing that came by it waits any more. */
  gone(): void {
    this.closes();
    this.#keeper.ended(this);
  }
}

/** Why bytes are none that a client says. */
const UNREAD = ["undecodable", "hostile-key", "too-deep", "too-large"] as const;
export type UnreadCode = "protocol" | (typeof UNREAD)[number];

/** What bytes said: frames in order, what they carry still as it came; or why the peer must go. */
export type DecodedPacket =
  | { readonly ok: true; readonly frames: readonly ClientFrame[] }
  | { readonly ok: false; readonly code: UnreadCode; readonly error: unknown };

/**
 * Reads a packet's envelopes. Total: hostile bytes give a typed refusal. What a frame carries is read only once it is
 * about to be offered (`Encoder.decodeMessages`): what its phase, a rate, a gate or an unknown target refuses costs no
 * more than its envelope (CV18).
 */
export function read(encoder: Encoder, data: string | Uint8Array, limits: Limits): DecodedPacket {
  try {
    const packet = encoder.format.decode(data, limits);
    const frames = (Array.isArray(packet) ? packet : [packet]) as readonly ClientFrame[];
    if (frames.every((frame) => asFrame(clientFrames, frame) !== undefined && !isOverlong(frame)))
      return { ok: true, frames };
    return {
      ok: false,
      code: "protocol",
      error: new CallaError("protocol", { packet: "no client frame" }),
    };
  } catch (error) {
    const code = error instanceof CallaError ? UNREAD.find((one) => one === error.code) : undefined;
    return { ok: false, code: code ?? "undecodable", error };
  }
}

/** No topic has a longer id (TP6), and no name or proof of ours is longer: what is, is no peer's honest word (CV3). */
const LONGEST_NAME = 256;

function isOverlong(frame: ClientFrame): boolean {
  const long = ({ target }: { readonly target: string }): boolean => target.length > LONGEST_NAME;
  if (frame.type === "Hello") {
    const { clientId = "", secret = "" } = frame.identity ?? {};
    return clientId.length > LONGEST_NAME || secret.length > LONGEST_NAME || frame.targets.some(long);
  }
  if (frame.type === "Resync") return frame.targets.some(long);
  if (frame.type === "Ping")
    return [...frame.cursors, ...(frame.presence ?? [])].some(([target]) => target.length > LONGEST_NAME);
  return "target" in frame && long(frame);
}

/** Not let in yet: it may say its Hello and no more. */
export const isOutside = ({ phase }: { readonly phase: ConversationPhase }): boolean =>
  phase === "waiting" || phase === "greeting";

/** Whether a frame is allowed in this phase. */
export function allowed(phase: ConversationPhase, frame: ClientFrame): boolean {
  return frame.type === "Hello" ? phase === "waiting" : phase === "open";
}
