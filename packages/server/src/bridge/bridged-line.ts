// One Phoenix connection that has joined topics of the sync half: one conversation for all of them, begun with the first and
// ended with the last. It says the ordinary frames, and hands what comes back to the topic that it is for.
import { PROTOCOL_VERSION } from "@calla/shared";
import type { ClientFrame, ServerFrames, TargetKey } from "@calla/shared";
import type { Connection } from "../base/connection.ts";
import type { Json } from "../channels/wire/message.ts";
import type { SocketLine } from "../channels/engine/socket-line.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { Hub } from "../hub/hub.ts";
import type { House } from "../house/house.ts";
import type { PlainEncoder, PlainFrame } from "./plain-frames.ts";
import { identityIn, isRefused } from "./words.ts";

/** A topic of it, as the line knows it. */
export interface LineTopic {
  readonly target: TargetKey;
  /** Its client is let in: it may subscribe. */
  welcome(connected: Connected): void;
  hear(frame: PlainFrame): void;
  /** The token runs out within so many milliseconds. */
  expiring(within: number): void;
  /** The server has ended the conversation. */
  over(closing: Closing): void;
}

/** What a line needs of its bridge. */
export interface LineOwner {
  readonly hub: Hub;
  readonly house: House;
  readonly encoder: PlainEncoder;
}

/** What a client is told of itself. */
export interface Connected {
  readonly clientId: string;
  /** Not there: the client has it. */
  readonly secret: string | undefined;
  readonly userId: string | null;
  readonly maxInFlight: number;
  readonly refused: "expired" | "foreign" | undefined;
}
export type Closing = Pick<ServerFrames["Closing"], "code" | "retryable" | "within">;

/** Close codes by which a client says that it goes, the third for one that said none: so phoenix.js disconnects. */
const FAREWELLS: ReadonlySet<number | undefined> = new Set([1000, 1001, 1005]);

/** What the client said of itself is none of it. */
const MISSPOKEN: Closing = { code: "protocol", retryable: false, within: 0 };
const LOST: Closing = { code: "transport", retryable: true, within: 0 };

export class BridgedLine {
  readonly #owner: LineOwner;
  readonly #socket: SocketLine;
  readonly #topics = new Map<TargetKey, LineTopic>();
  #talk: Talk | undefined;
  /** As the server last gave it: this connection's, whatever its params say. */
  #identity: { readonly clientId: string; readonly secret: string } | undefined;
  /** What the params say of it counts no more. */
  #isForgotten = false;
  #refused: Connected["refused"];
  /** What its client has given since it connected. */
  #token: { readonly given: Json | undefined } | undefined;
  /** Bytes of answers to joins that are on their way to the connection. */
  #unsaid = 0;
  #refs = 0;

  constructor(owner: LineOwner, socket: SocketLine) {
    this.#owner = owner;
    this.#socket = socket;
  }

  /** Names a subscription. */
  nextRef(): number {
    return ++this.#refs;
  }

  /** False: another channel of this connection has that topic. */
  enter(topic: LineTopic): boolean {
    const { target } = topic;
    if (this.#topics.has(target)) return false;
    this.#topics.set(target, topic);
    const connected = this.#talk?.connected;
    if (connected !== undefined) topic.welcome(connected);
    else if (this.#talk === undefined) this.#begin(topic);
    return true;
  }

  /** `left`: its client went by itself, and the connection goes on. */
  leave(topic: LineTopic, left: boolean): void {
    if (this.#topics.get(topic.target) !== topic) return;
    this.#topics.delete(topic.target);
    const talk = this.#talk;
    if (talk === undefined || this.#topics.size > 0) return;
    // What broke is no farewell, whatever was given up on the way.
    const { closedBy } = this.#socket;
    talk.farewell = closedBy === undefined ? left : FAREWELLS.has(closedBy);
    // Whoever joins again in the same turn goes on.
    this.#owner.hub.context.clock.defer(() => {
      if (this.#talk === talk && this.#topics.size === 0) this.#end(talk);
    });
  }

  /** Says a frame, once its client is let in. */
  say(frame: ClientFrame): void {
    this.write(JSON.stringify(frame));
  }
  /** The same, of what is written already. */
  write(frame: string): void {
    const talk = this.#talk;
    if (talk?.connected === undefined || talk.conversation === undefined) return;
    this.#owner.hub.incoming(talk.conversation, frame);
  }

  /** A newer token of its client's: a later conversation begins with it. */
  authenticate(token: Json | undefined): void {
    this.#token = { given: token };
    this.say({ type: "Authenticate", ...(token === undefined ? {} : { token }) });
  }

  /** An answer of so many bytes more, or less, is on its way: many joins of one turn are answered before any is written. */
  unsaid(bytes: number): void {
    this.#unsaid += bytes;
  }

  /** Calls back when all that was said before has been heard; not at all, if the conversation ends before. */
  whenHeard(then: () => void): void {
    this.#talk?.pings.push(then);
    this.say({ type: "Ping", cursors: [] });
  }

  /** A number was used twice by its client: it is another one from now on. */
  forgetIdentity(): void {
    const talk = this.#talk;
    this.#identity = undefined;
    this.#isForgotten = true;
    talk?.conversation?.end("mid-conflict");
  }

  #begin(first: LineTopic): void {
    const { hub, encoder, house } = this.#owner;
    const { request, connection } = this.#socket;
    const talk = new Talk(connection, {
      hear: (frame) => this.#hear(talk, frame),
      closed: () => this.#over(talk, talk.closing ?? LOST),
      unsaid: () => this.#unsaid,
    });
    this.#talk = talk;
    const params = request?.params ?? {};
    const given = identityIn(params);
    if (request === undefined || isRefused(given)) {
      if (request === undefined)
        hub.context.report(
          new Error(
            `"${first.target}" was joined over a connection that came before its channel was registered: register first.`,
          ),
        );
      return this.#over(talk, MISSPOKEN);
    }
    // Counted once, as a connection of the channels.
    const address = house.addressOf(request);
    if (address !== undefined) house.connections.add(address, -1);
    talk.uncount = () => {
      talk.uncount = undefined;
      if (address !== undefined) house.connections.add(address, 1);
    };
    const conversation = hub.connect(talk, request, encoder);
    talk.conversation = conversation;
    const { away } = hub.admission;
    if (away !== undefined) conversation.end(away.code, away.within);
    if (conversation.phase === "closed") return;
    this.#socket.onDrained = () => hub.slowConsumers.drained(conversation);
    const identity = this.#identity ?? (this.#isForgotten ? undefined : given);
    const token = this.#token === undefined ? (request.authToken ?? params["token"]) : this.#token.given;
    hub.incoming(
      conversation,
      JSON.stringify({
        type: "Hello",
        protocol: PROTOCOL_VERSION,
        ...(identity && { identity }),
        ...(token === undefined ? {} : { token }),
        slices: {},
        targets: [],
      }),
    );
  }

  #hear(talk: Talk, plain: PlainFrame): void {
    if (talk !== this.#talk) return;
    const { frame } = plain;
    switch (frame.type) {
      case "Connected":
        return this.#connected(talk, frame);
      case "Closing":
        talk.closing = frame;
        return;
      case "Expiring":
        for (const topic of Array.from(this.#topics.values())) topic.expiring(frame.within);
        return;
      case "Pong":
        // One that tells how to spread a return was not asked for: those who wait hear it a little early, in order.
        return talk.pings.shift()?.();
      case "Version":
        return;
      default:
        this.#topics.get(frame.target)?.hear(plain);
    }
  }

  #connected(talk: Talk, frame: ServerFrames["Connected"]): void {
    const { clientId, secret, userId, maxInFlight, refused } = frame;
    const given = identityIn(this.#socket.request?.params ?? {});
    const known = this.#identity ?? (isRefused(given) ? undefined : given);
    const now = secret ?? known?.secret ?? "";
    this.#identity = { clientId, secret: now };
    this.#refused = refused ?? this.#refused;
    const isTheirs = !isRefused(given) && given?.clientId === clientId && given.secret === now;
    const connected = {
      clientId,
      secret: isTheirs ? undefined : now,
      userId,
      maxInFlight,
      refused: this.#refused,
    };
    // The server is not done with it: its hooks come before what is subscribed, and it may be ended yet.
    this.#owner.hub.context.clock.defer(() => {
      if (talk !== this.#talk || talk.conversation?.phase !== "open") return;
      talk.connected = connected;
      for (const topic of Array.from(this.#topics.values())) topic.welcome(connected);
    });
  }

  /** By the client: its last topic here is over. */
  #end(talk: Talk): void {
    this.#talk = undefined;
    this.#release(talk);
    if (talk.conversation === undefined) return;
    talk.conversation.farewell = talk.farewell;
    this.#owner.hub.intake.closed(talk.conversation);
  }

  /** By the server. */
  #over(talk: Talk, closing: Closing): void {
    this.#release(talk);
    if (this.#talk !== talk) return;
    this.#talk = undefined;
    const topics = [...this.#topics.values()];
    this.#topics.clear();
    for (const topic of topics) topic.over(closing);
  }

  #release(talk: Talk): void {
    talk.uncount?.();
    if (this.#talk === talk || this.#talk === undefined) this.#socket.onDrained = undefined;
    talk.readsAgain();
  }
}

interface TalkEvents {
  hear(frame: PlainFrame): void;
  closed(): void;
  unsaid(): number;
}

/** The conversation of a line, and its end of it: the Phoenix connection beneath does the rest. */
class Talk implements Connection {
  conversation: Conversation | undefined;
  connected: Connected | undefined;
  closing: Closing | undefined;
  farewell = false;
  /** The conversation is counted with its address no more. */
  uncount: (() => void) | undefined;
  readonly pings: (() => void)[] = [];
  readonly #beneath: Connection;
  readonly #events: TalkEvents;
  #pauses = 0;

  constructor(beneath: Connection, events: TalkEvents) {
    this.#beneath = beneath;
    this.#events = events;
  }
  send(frame: PlainFrame): void {
    this.#events.hear(frame);
  }
  close(): void {
    this.#events.closed();
  }
  bufferedAmount(): number {
    return this.#beneath.bufferedAmount() + this.#events.unsaid();
  }
  flushed(): number {
    return this.#beneath.flushed?.() ?? 0;
  }
  pause(): void {
    this.#pauses++;
    this.#beneath.pause?.();
  }
  resume(): void {
    if (this.#pauses === 0) return;
    this.#pauses--;
    this.#beneath.resume?.();
  }
  /** The connection goes on without it. */
  readsAgain(): void {
    while (this.#pauses > 0) this.resume();
  }
}
