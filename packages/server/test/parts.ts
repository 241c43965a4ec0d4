// What a part of the server needs around it to be tried by itself: a context in the hand, and conversations over sockets
// in the hand.
import { HousePresence } from "../src/house/house-presence.ts";
import { automatic, json } from "@calla/shared";
import type { Limits, Message, ServerFrame, Wiring } from "@calla/shared";
import type { ServerEvent } from "../src/app/events.ts";
import type { AnyUser, LooseHandlers } from "../src/app/handlers.ts";
import { HookList } from "../src/app/hooks.ts";
import type { IncomingMessage, SessionMessage, TopicMessage } from "../src/app/hooks.ts";
import { limitsOf } from "../src/base/limits.ts";
import { containedPubSub, localPubSub } from "../src/cluster/pubsub.ts";
import type { PubSub } from "../src/cluster/pubsub.ts";
import { Conversation } from "../src/connection/conversation.ts";
import { encoders } from "../src/context/encoder.ts";
import type { Refused, ServerContext } from "../src/context/server-context.ts";
import type { LogStorage } from "../src/log/log.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import { countingRandom, handClock, wiring as usual } from "./wired.ts";

export interface PartsOptions {
  readonly limits?: Partial<Limits>;
  readonly log?: LogStorage;
  readonly pubsub?: PubSub;
  readonly wiring?: Wiring;
  /** Slice name to handlers. */
  readonly handlers?: { readonly [slice: string]: LooseHandlers };
}

export function parts({
  limits,
  log = memoryLog(),
  pubsub = localPubSub(),
  wiring = usual,
  handlers = {},
}: PartsOptions = {}) {
  const hand = handClock();
  const errors: unknown[] = [];
  const events: ServerEvent[] = [];
  const refusals: Refused[] = [];
  const serialiser = automatic(json());
  const incoming = new HookList<unknown, IncomingMessage<AnyUser>>();
  const context: ServerContext = {
    wiring,
    serialiser,
    encoders: encoders(serialiser),
    limits: limitsOf(limits),
    clock: hand.clock,
    random: countingRandom(),
    log,
    pubsub,
    presence: new HousePresence({
      pubsub: containedPubSub(pubsub, (error) => void errors.push(error)),
      clock: hand.clock,
      random: countingRandom(2),
      report: (error) => void errors.push(error),
      name: undefined,
    }),
    strict: true,
    node: "here",
    handlers: new Map(Object.entries(handlers)),
    hooks: {
      incoming,
      sessions: new HookList<never, SessionMessage<never, never>>(),
      topics: new HookList<Message, TopicMessage<never>>(),
    },
    observe: (event) => void events.push(event),
    report: (error) => void errors.push(error),
    refused: (refused) => void refusals.push(refused),
  };
  const ended: Conversation[] = [];
  const full: number[] = [];
  /** A conversation, the frames that it was sent, and how its socket was closed. `broken`: the socket throws. */
  const talk = (fullBytes = Infinity) => {
    const frames: ServerFrame[] = [];
    const closed: { code: number; reason: string }[] = [];
    const socket = { broken: false, buffered: 0 };
    const keeper = {
      fullBytes,
      full: (_: Conversation, waiting: number) => void full.push(waiting),
      ended: (one: Conversation) => void ended.push(one),
      report: context.report,
    };
    const connection = {
      send({ bytes }: { bytes: Uint8Array | string }) {
        if (socket.broken) throw new Error("broken pipe");
        frames.push(JSON.parse(Buffer.from(bytes as Uint8Array).toString()) as ServerFrame);
      },
      close(code: number, reason: string) {
        closed.push({ code, reason });
        if (socket.broken) throw new Error("broken pipe");
      },
      bufferedAmount: () => socket.buffered,
    };
    const request = { url: "/", headers: {}, remoteAddress: "192.0.2.1" };
    const conversation = new Conversation(keeper, connection, request, context.encoders[0]!, "192.0.2.1");
    /** As after its Hello. */
    const enter = (clientId: string, user: AnyUser | null = null): Conversation => {
      conversation.greets({ order: 1, attempt: undefined });
      conversation.opens({ order: 1, attempt: undefined, clientId, user, since: 0 });
      return conversation;
    };
    return { conversation, frames, closed, socket, enter };
  };
  return { context, incoming, errors, events, refusals, ended, full, talk, ...hand };
}
