// One connection's protocol life: bytes in, frames that are allowed in this state out. It knows who speaks and what
// they follow. Not here: doing what the frames ask (hub.ts).
import { asFrame, clientFrames, CallaError } from "@calla/shared";
import type {
  AppCode,
  Cancel,
  ClientFrame,
  ClientFrames,
  ClosingCode,
  Cursor,
  Limits,
  ServerFrame,
  Subscription,
  TargetKey,
} from "@calla/shared";
import type { Asker, Check } from "../app/app-checks.ts";
import type { Connection, ConnectRequest, WireFrame } from "../base/connection.ts";
import type { Encoder, Shared } from "../context/encoder.ts";
import type { AnyUser, Who } from "../app/handlers.ts";
import type { Author } from "../log/log.ts";
import type { Party, Share } from "./parties.ts";
import type { PendingInput } from "./pending-input.ts";
import type { Admitted } from "../app/intent.ts";

/** `waiting`: no Hello yet. `greeting`: Hello under way. `open`: may say everything. `closed`: nothing counts any more. */
export type Phase = "waiting" | "greeting" | "open" | "closed";

/** `lenient`: where asking fails it goes on for now. */
export interface PendingRecheck {
  readonly lenient: boolean;
}

/** How a conversation stands to one target. The object's identity is the subscribing: a newer one outdates it. */
export interface FollowedTarget {
  readonly ref: number;
  /**
   * Allowed to follow; inherited by a newer wish, for a gap or a wake-up does not ask again. A doubt: it was, and is
   * being asked about anew; a newer doubt outdates it, and a newer wish asks for itself.
   */
  admitted: boolean | PendingRecheck;
  /** onSubscribe was called, so onUnsubscribe is due when it ends. */
  welcomed: boolean;
  /** Shown updates. Before: being authorised and caught up. */
  live: boolean;
  /** What the app was asked about it last, where it does not answer at once. */
  check: Check<Admitted> | undefined;
}

/** Targets of which nothing is taken before a mid comes again, or the time has passed. */
export type Pauses = Map<TargetKey, { readonly from: number; readonly until: number }>;

/** A subscribing that waits until its connection has drained. */
export interface SubscribeRequest {
  readonly asked: Subscription;
  readonly why: string | undefined;
}

/** What waits while it is found out whether a client may reach a topic it does not follow. */
export interface Gate {
  /** undefined: being asked. */
  open: boolean | undefined;
  readonly waiting: {
    readonly conversation: Conversation;
    readonly go: (admitted: Admitted) => void;
  }[];
  /** What the app is asked, where it does not answer at once. */
  check: Check<Admitted> | undefined;
}

/** Close codes on a WebSocket: one for "come back", one for "do not". The reason is the Calla code. */
const CLOSE_RETRYABLE = 4001;
const CLOSE_TERMINAL = 4002;

/** What a conversation asks of its hub: one object for all, so that a connection costs no closures. */
export interface ConversationEvents {
  /** Unwritten bytes above which `full` is to be told. */
  readonly fullBytes: number;
  full(conversation: Conversation, waiting: number): void;
  /** The socket threw. */
  broken(conversation: Conversation, error: unknown): void;
}

export class Conversation implements Who {
  readonly #keeper: ConversationEvents;
  readonly connection: Connection;
  readonly request: ConnectRequest;
  readonly encoder: Encoder;
  #author: Author | undefined;
  phase: Phase = "waiting";
  /** The place of its Hello among all: of two by one client the later one counts, whoever is identified first. */
  order = 0;
  clientId = "";
  /** It only sends what a page that is gone has left: it follows nothing and is nobody's page (CV17). */
  flushOnly = false;
  /** It is one packet that speaks for a client, and follows nothing itself (packet-conversation.ts). */
  readonly brief: boolean = false;
  /** It ends as soon as it is caught up: a page without a stream asks for news. */
  poll = false;
  /** Which page said the Hello, and its count of them. */
  attempt: ClientFrames["Hello"]["attempt"];
  user: AnyUser | null = null;
  follows = new Map<TargetKey, FollowedTarget>();
  /** Only for topics dispatched to and not followed; made when first needed. */
  gates: Map<TargetKey, Gate> | undefined;
  /** Its calls of canSubscribe, and of authenticate (app-checks.ts); made when first needed. */
  asker: Asker | undefined;
  authenticating: Asker | undefined;
  /** Topics the server let this client follow by itself. */
  granted: Set<TargetKey> | undefined;
  /** What it is counted by: its address, and once that is known its user. */
  address: string | undefined;
  countedAs: string | null = null;
  /** Topics it is told of once the server has made them (awaited-topics.ts), by the ref that was refused. */
  expects: Map<TargetKey, number> | undefined;
  /** Whom its limits count, and what that has used up of its rates (parties.ts). */
  party: Party | undefined;
  share: Share | undefined;
  /** What has come in and is not taken yet (intake.ts). */
  pendingInput: PendingInput | undefined;
  /** Made when it is first paused. */
  pauses: Pauses | undefined;
  /** So much is unwritten that shared frames are not queued for it (slow-consumers.ts). */
  slow = false;
  /** What it is to be asked for once it has drained; made when first needed. */
  behind: Map<TargetKey, SubscribeRequest> | undefined;
  /** The server is about to end it: its messages are for another one. */
  leaving = false;
  /** Ends the wait for its token to expire. */
  expiry: Cancel | undefined;
  /** A newer token is being looked at, and maybe another one waits. */
  refreshing: { next: { readonly token: unknown } | undefined } | undefined;
  /** Counts how often its rights were asked about anew: an answer of before counts no more (S43). */
  rights = 0;
  checkedAt = 0;
  /** How widely it was told to spread its return (herd.ts). */
  spread = 0;
  /** Since when it is open; why the server ended it. */
  since = 0;
  ending: ClosingCode | AppCode | "" = "";
  /** Ends the wait for Hello. */
  greeted: Cancel | undefined;
  /** Targets with a mid-conflict: nothing more is taken for them before a new Hello (TE5). */
  conflicts: Set<TargetKey> | undefined;

  constructor(keeper: ConversationEvents, connection: Connection, request: ConnectRequest, encoder: Encoder) {
    this.#keeper = keeper;
    this.connection = connection;
    this.request = request;
    this.encoder = encoder;
  }

  get userId(): string | null {
    return this.user?.id ?? null;
  }
  /** One object for all its records: they are many, and kept long. Read once the conversation is open. */
  get author(): Author {
    return (this.#author ??= { clientId: this.clientId, userId: this.userId });
  }
  /** Shown no more of a target until it has drained; it goes on from `after`. */
  fallBehind(key: TargetKey, target: TargetKey, after: Cursor | undefined): void {
    const ref = this.follows.get(key)?.ref ?? 0;
    const cursor = after && { sequence: after.sequence, mark: after.mark };
    // "sent": its outcomes of meanwhile are told with what it missed.
    const asked = { target, ref, ...(cursor && { cursor }), settled: 0, sent: 1 };
    (this.behind ??= new Map()).set(key, { asked, why: "slow" });
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
      // Asked with every frame: a follower that only listens would otherwise never be found slow (CV12).
      const waiting = this.connection.bufferedAmount();
      if (waiting > this.#keeper.fullBytes) this.#keeper.full(this, waiting);
    } catch (error) {
      this.#keeper.broken(this, error);
    }
  }
  /** Says a last word and closes. */
  close(code: ClosingCode | AppCode, retryable: boolean, within = 0): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    try {
      this.connection.send(this.encoder.encode({ type: "Closing", code, retryable, within }));
    } finally {
      this.connection.close(retryable ? CLOSE_RETRYABLE : CLOSE_TERMINAL, code);
    }
  }
}

/** Why bytes are none that a client says. */
const UNREAD = ["undecodable", "hostile-key", "too-deep", "too-large"] as const;
type UnreadCode = "protocol" | (typeof UNREAD)[number];

/** What bytes said: frames in order, what they carry still as it came; or why the peer must go. */
export type DecodedPacket =
  | { readonly ok: true; readonly frames: readonly ClientFrame[] }
  | { readonly ok: false; readonly code: UnreadCode; readonly error: unknown };

/**
 * Reads a packet's envelopes. Total: hostile bytes give a typed refusal. What a frame carries is read only once it is
 * about to be offered (`Encoder.decodeDispatch`): what its phase, a rate, a gate or an unknown target refuses costs no
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
  if (frame.type === "Ping") return frame.cursors.some(([target]) => target.length > LONGEST_NAME);
  return "target" in frame && long(frame);
}

/** Not let in yet: it may say its Hello and no more. */
export const isOutside = ({ phase }: { readonly phase: Phase }): boolean =>
  phase === "waiting" || phase === "greeting";

/** Whether a frame is allowed in this phase. */
export function allowed(phase: Phase, frame: ClientFrame): boolean {
  return frame.type === "Hello" ? phase === "waiting" : phase === "open";
}
