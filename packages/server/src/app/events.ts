// The events that a server gives its observers. Without an observer no event is made.
import type { AppCode, ClosingCode, PausedCode, ServerFrames, TargetKey } from "@calla/shared";
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";

/**
 * One thing that happened. Times are milliseconds. No event holds a message, a model or a token.
 *
 * @example
 * createServer({ wiring, serialiser, observe: (event) => event.type === "limited" && alarm(event.limit) });
 */
export type ServerEvent =
  | {
      readonly type: "connected";
      readonly clientId: string;
      readonly userId: string | null;
      /** It was given a new identity. */
      readonly fresh: boolean;
    }
  | {
      readonly type: "disconnected";
      readonly clientId: string;
      readonly userId: string | null;
      /** Why the server ended it; "" if the other side did. */
      readonly code: ClosingCode | AppCode | "";
      readonly lasted: number;
    }
  /** Something was refused for good: a forged frame, a forbidden topic, an invalid message, an unknown user. */
  | {
      readonly type: "refused";
      readonly code: string;
      readonly clientId: string | undefined;
      readonly userId: string | null;
      readonly target: TargetKey | undefined;
    }
  /** A limit was met, by its name. `target` undefined: the connection. */
  | {
      readonly type: "limited";
      readonly limit: string;
      readonly clientId: string | undefined;
      readonly target: TargetKey | undefined;
    }
  /** A client was told to send a message again later. */
  | {
      readonly type: "paused";
      readonly code: PausedCode;
      readonly clientId: string;
      readonly target: TargetKey;
    }
  /** A connection takes in less than it is sent; its subscriptions are held back. */
  | { readonly type: "slow"; readonly clientId: string; readonly waiting: number }
  /** It takes frames again. */
  | { readonly type: "caught-up"; readonly clientId: string; readonly after: number }
  /** One append of one turn, or what came of it. `queued`: messages that came in the meantime and wait for the next. */
  | {
      readonly type: "appended";
      readonly targets: number;
      readonly records: number;
      readonly conflicts: number;
      readonly failed: boolean;
      readonly queued: number;
      readonly took: number;
    }
  /** A subscriber caught up: how, and why so. */
  | {
      readonly type: "resync";
      readonly target: TargetKey;
      readonly clientId: string;
      readonly resync: ServerFrames["Settled"]["resync"];
      readonly reason: string;
      readonly bytes: number;
    }
  /** A topic or session has its first record: the log has one target more. */
  | { readonly type: "created"; readonly target: TargetKey; readonly slice: string }
  /** So much has gone that was too old: sessions, topics past their slice's lifetime, tombstones, client rows. */
  | {
      readonly type: "expired";
      readonly sessions: number;
      readonly topics: number;
      readonly tombstones: number;
      readonly rows: number;
    }
  /** A connection of the channels half was let in, or has ended. */
  | {
      readonly type: "socket-connected";
      readonly socketId: string;
      readonly transport: "websocket" | "longpoll";
    }
  | { readonly type: "socket-disconnected"; readonly socketId: string }
  /** It has joined a topic, or is no longer on it, and why: "error" is a crash of the app's handlers. */
  | { readonly type: "channel-joined"; readonly socketId: string; readonly topic: string }
  | {
      readonly type: "channel-left";
      readonly socketId: string;
      readonly topic: string;
      readonly why: "normal" | "shutdown" | "heartbeatTimeout" | "error";
    }
  /** Something of the channels half was refused. `socketId` undefined: a request. */
  | {
      readonly type: "channel-refused";
      readonly code: string;
      readonly socketId: string | undefined;
      readonly topic: string | undefined;
    }
  /** A supervisor has started a child again that had failed, and those behind it. `restarts`: within its window until now. */
  | {
      readonly type: "restarted";
      readonly supervisor: string;
      readonly child: string;
      readonly restarts: number;
      readonly took: number;
    }
  /** A child has failed once more than its supervisor restarts: everything of it is stopped. */
  | { readonly type: "gave-up"; readonly supervisor: string; readonly child: string }
  /** The app's code or a storage threw. */
  | { readonly type: "error"; readonly error: unknown };

/** Hears every event, synchronously; what it throws is reported and changes nothing. */
export type Observe = (event: ServerEvent) => void;

/** One observer of several; undefined where there is none, so that nothing is made for it. */
export function observerOf(
  given: Observe | readonly Observe[] | undefined,
  report: Report,
): Observe | undefined {
  const all = given === undefined ? [] : typeof given === "function" ? [given] : given;
  if (all.length === 0) return undefined;
  return (event) => {
    for (const one of all) contain(report, () => one(event));
  };
}
