// All state of a client at a glance: what its parts share, and the records that they own. A record, or a group of its
// fields, names the file that writes it; everybody else reads. Not here: any behaviour.
import type {
  CallaError,
  Cancel,
  ClientFrame,
  Cursor,
  DecodeLimits,
  EphemeralSlice,
  ModelSlice,
  PresenceHook,
  Random,
  Serialiser,
  ServerFrames,
  StatusReason,
  SteadyClock,
  TargetKey,
  TopicCode,
  UnsubscribedCode,
  Wiring,
} from "@calla/shared";
import type { Signal } from "../base/notifier.ts";
import type { RejectedError } from "../base/rejected-error.ts";
import type { Backoff, ReconnectOptions } from "../base/backoff.ts";
import type { Space } from "./kept-predictions.ts";
import type { Ready } from "./ready.ts";
import type { Own, Replica, Skipped } from "./replica.ts";
import type { Suspect, Suspects } from "./suspects.ts";

// ------------------------------------------------------------------------------------------------------ one dispatch

/** `new`: not durable yet. `stored`: may leave. `sent`: on this connection. `decided`: the outcome is known. */
export type Stage = "new" | "stored" | "sent" | "decided";

/** What became of a dispatch. */
export type Outcome =
  | { readonly sequence: number; readonly messages: readonly unknown[] }
  | { readonly error: CallaError<string> };

/**
 * `pending`: not durable yet. `queued`: would survive a reload, if the storage does; it waits for the connection, or for
 * what was dispatched to its target before it. `sent`: on its way. `held`: every connection that carries it ends, so it
 * waits for `retry()` or `cancel()`. The others are outcomes, and final: `applied`, `rejected`, `cancelled`, `unknown`
 * (sent under an identity that the server no longer knows: applied or not, nobody can say any more).
 */
export type WriteState =
  | "pending"
  | "queued"
  | "sent"
  | "held"
  | "applied"
  | "rejected"
  | "cancelled"
  | "unknown";

/** A dispatch that is shown and not yet confirmed. */
export interface Pending<M = unknown> {
  readonly id: string;
  /** As they were dispatched: one, or several with one fate. */
  readonly messages: readonly M[];
  /** Why it is not shown: its update here refuses it (the slice's code), or throws (`update-threw`). It is sent all the same. */
  readonly skipped: Skipped | undefined;
}

/** A dispatch without an outcome, of this page or an earlier one. */
export interface PendingWrite extends Pending {
  readonly target: TargetKey;
  /** When it was dispatched, in milliseconds by the server's clock as far as that was known. */
  readonly at: number;
  readonly state: WriteState;
}

/** A dispatch that is not sent because every connection that carries it ends. */
export interface HeldWrite extends PendingWrite {
  /** As `Write.retry`. */
  retry(): boolean;
  /** As `Write.cancel`. */
  cancel(): boolean;
}

/** What `onOutcome` hears: what became of a dispatch for good, in the words of `write.state`. */
export type DecidedWrite = {
  readonly target: TargetKey;
  readonly id: string;
  /** As they were dispatched: one, or several with one fate. */
  readonly messages: readonly unknown[];
  /** It was dispatched by an earlier page, so nobody here holds its `write`. */
  readonly earlier: boolean;
} &
  /** `applied`: the messages that were applied; `amended`: these are not what was dispatched, for the server changed them first. */
  (
    | {
        readonly is: "applied";
        readonly sequence: number;
        readonly applied: readonly unknown[];
        readonly amended: boolean;
      }
    | { readonly is: "rejected"; readonly error: RejectedError }
    /** Sent under an identity that the server no longer knows: applied or not, nobody can say any more. */
    | { readonly is: "unknown"; readonly error: RejectedError }
  );

/** One that was not applied, or of which nobody can say that it was. */
export type RefusedWrite = Exclude<DecidedWrite, { readonly is: "applied" }>;

/**
 * One dispatch, for both the outbox and the rebase. Its author's names are fixed when it is dispatched, and change only
 * with the identity it will be sent under (greeting.ts).
 */
export interface Dispatch extends Own, Suspect {
  readonly target: TargetKey;
  userId: string | null;
  visitor: string;

  // outbox.ts
  /** One message, or several with one fate; none: given up. */
  messages: readonly unknown[];
  /** It ends the connections that carry it: it stays here until the app says what becomes of it (OB20). */
  held: boolean;
  /** Its mid went out as void though it is not given up, for this identity is to be left: it moves to the next (OB33). */
  voided: boolean;
  /** 0 until it is numbered. */
  mid: number;
  stage: Stage;
  /** It may have left this machine, in this page's life or an earlier one's. */
  out: boolean;
  /** When it was last sent, by the monotonic clock. */
  sentAt: number;
  /** Its mid goes out as void: what its author is told if the server had not taken it before (VE7, OB13, OB20). */
  dropped: CallaError<string> | undefined;
  outcome: Outcome | undefined;
  /** The newest asking for its target when its outcome became known. */
  decidedUnder: number;
  /** As `client.pending` listed it last. */
  listed: PendingWrite | undefined;

  // outbox.ts, or storage/ledger.ts where there is a storage
  /** A transaction with it has succeeded. */
  kept: boolean;
  /** The storage has the outcome, or has failed to take it: the caller may hear it. */
  recorded: boolean;

  // What its caller is told: "" not yet (write.ts).
  /** Whether it is durable: true, or why not. */
  stored: unknown;
  /** What became of it. */
  told: Outcome | undefined;
  /** Tells who waits for either. */
  wake: (() => void) | undefined;
  /** It was dispatched by an earlier page, so nobody here holds its `write`. */
  readonly earlier: boolean;
}

/** As whom a dispatch is predicted. */
export type AuthorNames = Readonly<Pick<Dispatch, "userId" | "visitor">>;

/** One target's undecided dispatches, in mid order; those without a mid at the end (outbox.ts). */
export interface Queue {
  readonly target: TargetKey;
  entries: Dispatch[];
  /** The highest mid ever given out. */
  last: number;
  /** Every outcome up to here is durable: what the server hears. */
  settled: number;
  /** Mids up to here were given out before this page was loaded. */
  loaded: number;
  /** The highest mid with an outcome: the server decides in order, so it has decided all up to here. */
  known: number;
  /** Nothing up to this mid waits to be sent. */
  said: number;
  /** Nothing is sent while it is set: the server said to come again later. Ends that. */
  paused?: Cancel | undefined;
  /** Nothing from this mid on is sent: it is taken under another message id (OB8). */
  conflict: number;
}

// -------------------------------------------------------------------------------------------------------- one target

/** `off`: not wanted. `asked`: no answer yet. `answered`: the newest ref was. `refused`: for good, until asked anew. */
export type Phase = "off" | "asked" | "answered" | "refused";

/** How far subscribing to a target has come (subscriptions.ts). */
export interface Subscription {
  phase: Phase;
  /** Names the newest asking; answers to older ones count for nothing (CL4). */
  ref: number;
  holders: number;
  /** Wanted by the server: subscribed without holders until it says otherwise. */
  pinned: boolean;
  /** When it was asked for: what was sent before is covered by the answer. */
  askedAt: number;
  /** Asked for news only: it was live, and counts as that meanwhile (HT10). */
  polling: boolean;
  /** Why it was refused. */
  code: UnsubscribedCode | "";
  /** Refused as missing: it is asked for again when the server says so and on each new connection (CL18). */
  absent: boolean;
  lingering?: Cancel | undefined;
  retrying?: Cancel | undefined;
}

/** `loading`: nothing known yet. `live`: up to date. `stale`: it was; `code` says why it stays so. `refused`: see `code`. */
export type TopicStatus = "loading" | "live" | "stale" | "refused";

export interface AnyState {
  readonly status: TopicStatus;
  readonly model: unknown;
  readonly pending: readonly Pending[];
  readonly code: TopicCode | "";
}

/** Something pushed. `from` is the author's tag, the same for all of one author's in this topic; null: the server. */
export interface Pushed<M = unknown> {
  readonly message: M;
  readonly from: number | null;
  readonly userId: string | null;
}

/** A target in use. An ephemeral topic is held likewise: its "confirmed model" is the map of latest messages. */
export interface Target {
  readonly key: TargetKey;
  /** undefined: the wiring does not know it (any more). */
  readonly slice: ModelSlice | EphemeralSlice | undefined;
  readonly subscription: Subscription;
  readonly queue: Queue;
  /** Spreads asking again. */
  readonly delays: Backoff;

  readonly replica: Replica<Dispatch>;
  /** As whom what is dispatched to it is predicted (identity.ts). */
  author: AuthorNames;
  /** Times never go back: the last one seen. */
  at: number;

  // incoming.ts
  /** Announces a snapshot and is applied together with it (CL5). */
  awaited?: ServerFrames["Settled"] | undefined;
  /** The hash of a confirmed model that was not the server's, until that is replaced (VE9). */
  diverged?: number | undefined;
  /** The server's head when it last answered. */
  head: number;
  /** The highest sequence at which a message of one's own is known to stand. */
  owed: number;

  // state.ts
  state: AnyState;
  /** Two models that are known to differ, so that nobody compares them again. */
  unlike: readonly unknown[];

  // life.ts
  /** What listeners heard last. */
  told: AnyState;
  /** When it was last replayed for them, by the monotonic clock and by `core.taking`, and for how many milliseconds. */
  replayed: { readonly at: number; readonly taking: number; readonly took: number };

  readonly changes: Signal<AnyState>;
  readonly pushes: Signal<Pushed>;
  ready?: Ready | undefined;

  // client.ts
  /** The app's handle, made when first asked for. */
  handle?: unknown;
  /** Who is here, where that was looked at: its code comes with the slice. */
  presence?: PresenceHook | undefined;
}

// -------------------------------------------------------------------------------------------------------- one client

/** Over any of these a dispatch is refused before anything has happened (OB5). */
export interface OutboxLimits {
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly maxPendingAge: number;
}

/** What `onSnapshot` hears: that a model was replaced and not continued, and why. */
export interface SnapshotTaken {
  readonly target: TargetKey;
  readonly reason: string;
  readonly sequence: number;
}

/** What the other side runs: the protocol's version, and those of slices by name. */
export type Versions = Pick<ServerFrames["Version"], "protocol" | "slices">;

export interface CoreOptions extends OutboxLimits {
  readonly wiring: Wiring;
  readonly serialiser: Serialiser;
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly reconnect: ReconnectOptions;
  readonly strict: boolean;
  readonly linger: number;
  readonly answerTimeout: number;
  /** Sends for a page that is gone, and subscribes to nothing (CV17). */
  readonly flushOnly: boolean;
  readonly report: (error: unknown) => void;
  readonly onSnapshot?: ((taken: SnapshotTaken) => void) | undefined;
  readonly onOutcome?: ((decided: DecidedWrite) => void) | undefined;
  readonly onRejected: (decided: RefusedWrite) => void;
  readonly onVersionMismatch?: ((versions: Versions) => void) | undefined;
  readonly digest?: ((model: unknown) => number) | undefined;
}

/**
 * `offline`: not connected and not trying. `connecting`: no `Connected` yet. `waiting`: for the next attempt.
 * `unsure`: connected, and asked whether the server is there it has not answered for a while.
 * `closed`: the server said not to come back, or the app closed the client. `outdated`: reload the page.
 */
export type ConnectionStatus =
  | "offline"
  | "connecting"
  | "open"
  | "unsure"
  | "waiting"
  | "closed"
  | "outdated";

/** As much of the connection as the engine calls: it lies above, and is called from below. */
export interface Line {
  /** Nothing happens unless open. */
  send(frames: readonly ClientFrame[]): void;
  /** Leaves this connection and comes back with a new `Hello`. */
  renew(reason: "mid-conflict"): void;
}

/**
 * What makes an outbox survive a reload: it comes with a storage (storage/ledger.ts). Without one a dispatch is durable
 * when its turn ends, and nothing is known before the server says it.
 */
export interface Ledger {
  /** What is dispatched now would not survive a reload. */
  readonly failing: boolean;
  /** Takes what was stored into the outbox, if it is known whose it is. */
  load(): Promise<void>;
  /** Stores what has changed; called at the end of each turn. `retry`: and what failed, anew. */
  commit(retry?: boolean): void;
  /** What is stored of it is another: held, or void. */
  keep(entry: Dispatch): void;
  /** The outcome of a mid; `sequence` 0: it was not applied. */
  decided(entry: Dispatch, sequence: number): void;
  /** The server has named the user. True: what is stored is somebody else's, and stays unseen. */
  arrived(user: string | null): boolean;
  /** What follows belongs to a new client, of this user. */
  begin(user: string | null, foreign: boolean): void;
  identified(identity: StoredIdentity): void;
  /** The server takes this page for its user. */
  met(): void;
  /** The former identity's mids say nothing of those to come. */
  renumbered(): void;
  /** Shows what was stored of a target until the server says more. */
  hydrate(one: Target): void;
  /** Where to go on from, also before it is known whose it is (CL8). */
  cursor(one: Target): Cursor | undefined;
  mids(one: Target): StoredTarget;
  /** A model may have changed. */
  changed(): void;
  /** No longer subscribed: `confirmed` is forgotten next. */
  leave(one: Target): void;
  /** Not to be shown again. */
  drop(key: TargetKey): void;
  /** The server waits for this mid. */
  gap(one: Target, mid: number): void;
  close(): Promise<void>;
  forget(): Promise<void>;
  forgetEveryone(): Promise<number>;
}

/** Who this client is, as the server signed it. */
export interface StoredIdentity {
  readonly clientId: string;
  readonly secret: string;
  readonly userId: string | null;
}

/** What is left of a target's mids when its entries are gone: none of them may be used again (OB2). */
export interface StoredTarget {
  /** Every outcome up to this mid has been recorded. */
  readonly settled: number;
  /** The highest mid ever given out. */
  readonly last: number;
}

/** The identity with a newer secret, and what had been sent before it was given and is undecided (CL17). */
export interface Renewal {
  readonly identity: StoredIdentity;
  readonly behind: Set<Dispatch>;
}

/** What the server takes of a frame. A message whose rough size is below `surely` needs no closer look (fits.ts). */
export interface Taken extends DecodeLimits {
  readonly surely: number;
}

export interface Core extends CoreOptions {
  // connection.ts
  line: Line;
  /** The server has let us in. */
  open: boolean;
  /** More has come than has been taken. */
  crowded: boolean;
  /** For how many milliseconds frames have been taken, all in all. */
  taking: number;
  /** What `client.status` says of it; `text` is what was heard, where that is none of Calla's codes. */
  connection: ConnectionStatus;
  reason: StatusReason | "";
  text: string;

  ledger?: Ledger | undefined;

  // targets.ts
  readonly targets: Map<TargetKey, Target>;
  /** To be shown at the end of the turn. */
  readonly changed: Set<Target>;
  readonly space: Space;
  /** The turn has changed something, so it will be ended. */
  isDue: boolean;

  // outbox.ts
  readonly queues: Map<TargetKey, Queue>;
  /** Something of them is to be stored: new, or decided. */
  readonly unsaved: Set<Queue>;
  /** Something of them may leave. */
  readonly unsent: Set<Queue>;
  /** This identity has used a mid twice, and is to be left behind (OB8). */
  conflicted: boolean;
  /** Decided since the last look. */
  decided: Dispatch[];
  readonly held: Set<Dispatch>;
  size: number;
  bytes: number;
  listed: readonly PendingWrite[];
  heldWrites: readonly HeldWrite[];
  readonly suspects: Suspects<Dispatch>;

  /** As `serialiser.same`; what it cannot compare (a cycle, too deep) is not the same. */
  readonly same: Serialiser["same"];

  // identity.ts
  identity?: StoredIdentity | undefined;
  renewal?: Renewal | undefined;
  userId: string | null;
  /** Whether that is what the app or the server has said. */
  named: boolean;

  // subscriptions.ts
  lastRef: number;

  // greeting.ts
  /** Names this page in its Hellos. */
  readonly page: number;
  /** Counts them, from the milliseconds of the page's birth on. */
  hellos: number;
  /** The subscriptions in the last `Hello`, by ref. */
  greeted: Map<number, TargetKey>;
  /** The refs of those that it had no room for. */
  unsaid: Set<number>;
  /** Those among them that named a cursor. */
  placed: Set<Target>;
  maxInFlight: number;
  /** What the server takes of a frame. */
  taken: Taken;
  /** The server's clock minus ours. */
  offset: number;

  // life.ts
  /** Ends the turn. */
  readonly endTurn: () => void;
  closed: boolean;
  /** Why the server will not have this client back. */
  terminal: TopicCode | "";
  sweeping: boolean;
  /** Their replay waits (`restsUntil`). */
  readonly resting: Set<Target>;
  readonly timers: Set<Cancel>;
}
