// What all parts of one server share: its wiring, its limits, and everything from outside (time, chance, storage, other
// nodes, the app's reporters). No state and no logic.
import type {
  Limits,
  Message,
  Random,
  RefusedCode,
  Serialiser,
  SteadyClock,
  TargetKey,
  Wiring,
} from "@calla/shared";
import type { Encoder } from "./encoder.ts";
import type { Observe } from "../app/events.ts";
import type { LooseHandlers } from "../app/handlers.ts";
import type { HookList, IncomingMessage, SessionMessage, TopicMessage } from "../app/hooks.ts";
import type { LogStorage } from "../log/log.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import type { Tracker } from "../presence/tracker.ts";

/** What a slice's own update says when it rejects. */
type RejectedCode = string & {};

/** Something that was refused, for the app's records. */
export interface Refused {
  /** One of Calla's (docs/codes.md); of a rejected message also its slice's own. */
  readonly code: RefusedCode | RejectedCode;
  readonly clientId: string | undefined;
  readonly userId: string | null;
  readonly target: TargetKey | undefined;
  readonly details: unknown;
}

/** Who is here, in this house and on the other nodes. */
export interface PresenceSource {
  /** Made when first asked for. */
  readonly tracker: Tracker;
  /** Calls back when the tracker has begun anew, with nobody of this node. Returns the undo. */
  onRestart(trackAgain: () => unknown): () => void;
}

export interface ServerContext {
  readonly wiring: Wiring;
  readonly serialiser: Serialiser;
  readonly encoders: readonly Encoder[];
  readonly limits: Limits;
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly log: LogStorage;
  readonly pubsub: PubSub;
  readonly presence: PresenceSource;
  readonly strict: boolean;
  /** This node's own name on pubsub, so that it does not hear itself. */
  readonly node: string;
  /** Slice name to what the app said of it. A slice without is refused. */
  readonly handlers: ReadonlyMap<string, LooseHandlers>;
  /** The app's own hooks: of what comes in, and of what is applied in sessions and in topics. */
  readonly hooks: {
    readonly incoming: HookList<unknown, IncomingMessage>;
    readonly sessions: HookList<never, SessionMessage<never, never>>;
    readonly topics: HookList<Message, TopicMessage<never>>;
  };
  /** undefined: nobody watches, and nothing is to be made for it. */
  readonly observe: Observe | undefined;
  /** The app's code or a storage threw; the server goes on. */
  report(error: unknown): void;
  refused(refused: Refused): void;
}
