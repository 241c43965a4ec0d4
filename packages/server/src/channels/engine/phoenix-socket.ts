// One connection: frames in, to heartbeat, join, leave or a channel, and refs. It never waits: a slow join or handler holds
// up its own topic only. Not here: what a channel does with a message (joined-channel.ts).
import type { Limits } from "@calla/shared";
import type { Connection, WireFrame } from "../../base/connection.ts";
import type { Inflow, Inlet } from "../../connection/byte-limits.ts";
import type { StopReason } from "../definition/channel-types.ts";
import type { ClientMessage, Json } from "../wire/message.ts";
import { MalformedFrame } from "../wire/serialiser.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import type { ChannelRefusal, ChannelsContext } from "./channels-context.ts";
import type { Admitted, ChannelConnection, PhoenixRequest } from "./host.ts";
import { askJoin, PendingJoin } from "./join.ts";
import type { JoinOutcome } from "./join.ts";
import { JoinedChannel } from "./joined-channel.ts";
import type { ChannelOwner, Farewell, Item } from "./joined-channel.ts";
import { isTooLong, sameRef } from "./refs.ts";
import type { LinedSocket, SocketLine } from "./socket-line.ts";
import type { CloseReason, Told } from "./words.ts";

/** What a connection tells who keeps all of them. */
export interface SocketKeeper {
  gone(socket: PhoenixSocket): void;
}

/** Close codes; none is 1000, after which older clients do not come back (DC5). */
export const CLOSE = { disconnected: 1001, malformed: 1011, draining: 1012, busy: 1013 } as const;

const CRASHED: Told = { reason: "channel_crash" };
/** What a WebSocket frame costs beside its bytes. */
const AT_LEAST = 64;

export class PhoenixSocket implements ChannelConnection, ChannelOwner, Inlet, SocketLine {
  readonly id: string;
  readonly connection: Connection;
  readonly serialiser: ChannelSerialiser;
  readonly transport: "websocket" | "longpoll";
  /** What `connect` gave it. */
  readonly assigns: object;
  /** What `connect` named it. */
  readonly name: string | undefined;
  // What stands on it needs of it (SocketLine).
  readonly request: PhoenixRequest | undefined;
  closedBy: number | undefined;
  onDrained: (() => void) | undefined;
  readonly #context: ChannelsContext;
  readonly #keeper: SocketKeeper;
  readonly #channels = new Map<string, JoinedChannel | PendingJoin>();
  /** When its frames and joins will have been paid for (token-bucket.ts). */
  #paid = 0;
  #joinsPaid = 0;
  /** What waits for handlers, and its bytes. */
  #waiting = 0;
  #waitingBytes = 0;
  /** Why it has ended: nothing more is taken or said, and its channels have ended, too. */
  #ended: StopReason | undefined;
  /** Its transport has let it go. */
  #gone = false;
  readonly #address: string | undefined;
  readonly #flow: Inflow;
  /** Its transport tells what it reads. */
  #tells = false;

  constructor(
    context: ChannelsContext,
    keeper: SocketKeeper,
    opened: {
      readonly id: string;
      readonly connection: Connection;
      readonly serialiser: ChannelSerialiser;
      readonly admitted: Admitted;
      readonly address: string | undefined;
    },
  ) {
    this.#context = context;
    this.#keeper = keeper;
    this.id = opened.id;
    this.connection = opened.connection;
    this.serialiser = opened.serialiser;
    const { request, assigns, id } = opened.admitted;
    // Where nobody needs it, not the request: its headers and params are a third of what a socket would hold.
    this.request = context.keepsRequests ? request : undefined;
    this.transport = request.transport;
    this.assigns = assigns;
    this.name = id;
    this.#address = opened.address;
    this.#flow = context.bytes.open(this);
  }

  /** The joined channel of a topic. */
  channel(topic: string): JoinedChannel | undefined {
    const there = this.#channels.get(topic);
    return there instanceof JoinedChannel ? there : undefined;
  }

  /** All that are joined, and may be ended meanwhile. */
  channels(): readonly JoinedChannel[] {
    return [...this.#channels.values()].filter((one): one is JoinedChannel => one instanceof JoinedChannel);
  }

  incoming(data: string | Uint8Array): void {
    if (this.#ended !== undefined) return;
    const bytes = data.length + AT_LEAST;
    if (!this.#tells) this.#flow.received(data.length, 0);
    if (this.#context.rawBinary && typeof data !== "string") return this.#raw(data, bytes);
    let message: ClientMessage;
    try {
      message = this.serialiser.decode(data);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) this.#context.report(error);
      const { what, code } = error instanceof MalformedFrame ? error : { what: "unreadable", code: 1011 };
      this.#refused("malformed", undefined, { what });
      // Whoever says nothing else is ended all the same.
      if (error instanceof MalformedFrame && error.dropped && this.#pays()) return;
      // A poll answers 400 and lives (MF22), so nothing of it is ended here.
      if (this.transport === "longpoll") return this.connection.close(code, "malformed");
      return this.close(code, "malformed");
    }
    if (!this.#pays()) return this.#limited(message, { rate: "messageRate" });
    this.route(message, bytes);
  }

  /** For one frame. */
  #pays(): boolean {
    const { clock, buckets } = this.#context;
    const paid = buckets.messages.take(this.#paid, clock.monotonic());
    if (paid !== undefined) this.#paid = paid;
    return paid !== undefined;
  }

  received(bytes: number, unfinished: number): void {
    this.#tells = true;
    this.#flow.received(bytes, unfinished);
  }

  drained(): void {
    this.onDrained?.();
  }

  // What the limits in bytes need of it (Inlet).
  readonly timed = true;

  get address(): string | undefined {
    return this.#address;
  }

  pause(): void {
    this.connection.pause?.();
  }

  resume(): void {
    this.connection.resume?.();
  }

  limited(limit: keyof Limits): void {
    this.#refused("rate", undefined, { limit });
  }

  cut(code: "busy" | "too-slow"): void {
    this.close(CLOSE.busy, code);
    this.connection.terminate?.();
  }

  disconnect(code?: number, why?: string): void {
    if (this.#gone) return;
    this.closedBy = code;
    this.#gone = true;
    this.#ended ??= reasonOf(why);
    this.#endChannels(this.#ended);
    this.#flow.over();
    this.#keeper.gone(this);
  }

  /** Ends the connection, and its channels at once: a peer that does not answer the close holds nothing up. */
  close(code: number, why: CloseReason): void {
    if (this.#ended !== undefined) return;
    this.#ended = reasonOf(why);
    this.connection.close(code, why);
    this.#endChannels(this.#ended);
  }

  #endChannels(reason: StopReason): void {
    for (const one of this.#channels.values()) {
      if (one instanceof JoinedChannel) one.end(reason, undefined);
      else {
        one.abandon(reason);
        one.held.length = 0;
      }
    }
    this.#channels.clear();
  }

  /** Asks again whether its channels may stay. A join that is being decided was asked for with the rights before. */
  reauthorise(): void {
    for (const one of Array.from(this.#channels.values())) {
      if (one instanceof JoinedChannel) one.reauthorise();
      else one.rightsChanged = true;
    }
  }

  /** Takes one message of the client to where it belongs. */
  route(message: ClientMessage, bytes: number): void {
    const { topic, event, ref } = message;
    if (event === "heartbeat" && topic === "phoenix") return this.#answer(null, ref, topic, "ok", {});
    const there = typeof topic === "string" ? this.#channels.get(topic) : undefined;
    if (there instanceof PendingJoin) return this.#hold(there, message, bytes);
    if (event === "phx_join") return this.#join(message, there);
    if (event === "phx_leave") return this.#leave(message, there, bytes);
    if (there === undefined) return this.#unmatched(message);
    // Of a channel that was before (W3), or one that is about to end (W8).
    if (!this.#isFor(message, there) || there.leaving) return;
    if (typeof event !== "string") return this.#noEvent(there);
    if (!this.#withinRate(there)) return this.#limited(message, { rate: "channelRate" });
    if (isTooLong(ref)) return this.#tooLong(message, "The message's ref is too long.");
    there.take({ type: "message", message: message as ClientMessage & { event: string }, bytes });
  }

  /** Its channel crashes, as with Phoenix; but it is the client's fault, so the app's reporter hears nothing of it. */
  #noEvent(channel: JoinedChannel): void {
    const error = new TypeError("The name of an event is no text.");
    this.#refused("malformed", channel.topic, { what: error.message });
    channel.end({ type: "error", error }, "phx_error");
  }

  waits({ bytes }: Pick<Item, "bytes">): boolean {
    const { maxWaitingMessages, maxWaitingBytes } = this.#context.limits;
    this.#waiting++;
    this.#waitingBytes += bytes;
    if (this.#waiting <= maxWaitingMessages && this.#waitingBytes <= maxWaitingBytes) return true;
    const details = { waiting: this.#waiting, bytes: this.#waitingBytes };
    // First the end: who hears of it may tell this socket something.
    this.close(CLOSE.busy, "busy");
    this.#refused("busy", undefined, details);
    return false;
  }

  taken({ bytes }: Pick<Item, "bytes">): void {
    this.#waiting--;
    this.#waitingBytes -= bytes;
  }

  /** Sends a frame. A client that takes too little in is ended: what it misses cannot be made up for. */
  say(frame: WireFrame): void {
    if (this.#ended !== undefined) return;
    this.connection.send(frame);
    const waiting = this.connection.bufferedAmount();
    if (waiting <= this.#context.maxBufferedBytes) return;
    // First the end: who hears of it may say something to this socket.
    this.close(CLOSE.busy, "slow");
    this.#refused("slow", undefined, { waiting });
  }

  bidFarewell(topic: string, joinRef: Json, farewell: Exclude<Farewell, undefined>): void {
    const payload = farewell === "phx_error" ? CRASHED : {};
    this.say(this.serialiser.push({ joinRef, ref: joinRef, topic, event: farewell, payload }));
  }

  forget(channel: JoinedChannel): void {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
  }

  #hold(pending: PendingJoin, message: ClientMessage, bytes: number): void {
    if (message.event === "phx_leave" && this.#givesUp(pending, message))
      return this.#giveUp(pending, message);
    if (this.waits({ bytes })) pending.held.push({ message, bytes });
  }

  /** phoenix.js leaves a join that takes too long, and joins again: behind that join it would never be let in (JN32). */
  #givesUp({ message, held }: PendingJoin, { joinRef }: ClientMessage): boolean {
    // What was said before the leave is meant to be handled before it.
    if (held.length > 0 || this.#context.strictPhoenix) return false;
    return joinRef === null || sameRef(joinRef, message.joinRef);
  }

  #giveUp(pending: PendingJoin, { joinRef, ref, topic }: ClientMessage): void {
    pending.abandon({ type: "normal", why: "left" });
    // Its signal has been heard, which may have ended the connection.
    if (this.#channels.get(pending.topic) === pending) this.#channels.delete(pending.topic);
    this.#answer(joinRef, ref, topic, "ok", {});
    if (pending.close !== undefined) this.bidFarewell(pending.topic, pending.close.joinRef, "phx_close");
  }

  /** What the join's end let through, in order: it may be another join, behind which the rest is held again. */
  #release({ held }: PendingJoin): void {
    for (const { message, bytes } of held) {
      this.taken({ bytes });
      if (this.#ended === undefined) this.route(message, bytes);
    }
  }

  #join(message: ClientMessage, there: JoinedChannel | undefined): void {
    const { topic, joinRef, ref } = message;
    const context = this.#context;
    const route = typeof topic === "string" ? context.routeOf(topic) : undefined;
    if (route === undefined || typeof topic !== "string") return this.#unmatched(message);
    if (isTooLong(topic) || isTooLong(joinRef) || isTooLong(ref))
      return this.#tooLong(message, "The join's topic, join_ref or ref is too long.");
    if (there === undefined && this.#channels.size >= context.limits.maxChannelsPerSocket) {
      this.#refused("too-many-channels", topic, { limit: "maxChannelsPerSocket" });
      return this.#fail(message, { reason: "too many channels joined" });
    }
    const paid = context.buckets.joins.take(this.#joinsPaid, context.clock.monotonic());
    if (paid === undefined) {
      this.#refused("rate", topic, { rate: "joinRate" });
      return this.#fail(message, { reason: "rate_limited" });
    }
    this.#joinsPaid = paid;
    // The one before is gone whatever becomes of this join; that is said behind its answer.
    let close: { readonly joinRef: Json } | undefined;
    if (there?.leaving === true) there.leaveNow();
    else if (there !== undefined) {
      there.end({ type: "shutdown", why: "duplicate-join" }, undefined);
      if (this.#tellsApart(there.heldRef, joinRef)) close = { joinRef: there.heldRef };
    }
    this.#decide(new PendingJoin(topic, message, route, close));
  }

  /** A client that cannot tell the end of the channel before from the end of this one would end this one. */
  #tellsApart(before: Json, now: Json): boolean {
    if (this.#context.strictPhoenix) return true;
    return before !== null && !sameRef(before, now);
  }

  #decide(pending: PendingJoin): void {
    const { assigns, id, transport } = this;
    const { topic } = pending;
    if (this.#ended !== undefined) return; // `terminate` of the channel before has ended the connection
    this.#channels.set(topic, pending);
    const { house } = pending.route.definition;
    const lined: LinedSocket | undefined =
      house === undefined ? undefined : { id, assigns, transport, line: this };
    const outcome = askJoin(pending, lined ?? { id, assigns, transport });
    if (!(outcome instanceof Promise)) return this.#decided(pending, outcome);
    const { clock, limits } = this.#context;
    pending.cancel = clock.setTimeout(() => {
      pending.abandon({ type: "shutdown", why: "timeout" });
      const response: Told = { reason: "timeout" };
      this.#conclude(pending, { type: "refused", response });
    }, limits.joinTimeout);
    void outcome.then((decided) => {
      pending.cancel?.();
      this.#decided(pending, decided);
    });
  }

  #decided(pending: PendingJoin, outcome: JoinOutcome): void {
    if (pending.abandoned !== undefined) return this.#late(pending, outcome, pending.abandoned);
    this.#conclude(pending, outcome);
  }

  /**
   * Until the answer is out, what comes for the topic is held. Saying it may end the connection, and a client in this
   * process may leave at once.
   */
  #conclude(pending: PendingJoin, outcome: JoinOutcome): void {
    const { topic, close } = pending;
    const channel = this.#answerJoin(pending, outcome);
    const over = this.#ended ?? (channel && pending.abandoned);
    if (over !== undefined) return channel?.end(over, undefined);
    if (channel === undefined) this.#channels.delete(topic);
    else this.#channels.set(topic, channel);
    if (close !== undefined) this.bidFarewell(topic, close.joinRef, "phx_close");
    // Before it says or hears anything.
    if (pending.rightsChanged) channel?.reauthorise();
    channel?.begin();
    this.#release(pending);
  }

  /** Says what became of it. Gives the channel, if there is one now. */
  #answerJoin(pending: PendingJoin, outcome: JoinOutcome): JoinedChannel | undefined {
    const { topic, message } = pending;
    const { joinRef, ref } = message;
    let channel: JoinedChannel | undefined;
    try {
      switch (outcome.type) {
        case "joined": {
          channel = this.#opened(pending, outcome.assigns);
          // Phoenix answers a join without a join_ref so, too (W3).
          this.#answer(joinRef, ref, topic, "ok", outcome.response);
          return channel;
        }
        case "refused":
          this.#refused("join-refused", topic, outcome.response);
          this.#answer(joinRef, ref, topic, "error", outcome.response);
          return undefined;
        case "invalid":
          this.#refused("invalid", topic, { issues: outcome.issues });
          this.#fail(message, { reason: "invalid params", issues: outcome.issues });
          return undefined;
        default:
          throw outcome.error;
      }
    } catch (error) {
      this.#context.report(error);
      // Accepted, by an answer that cannot be said: what the app has begun, it hears the end of.
      channel?.end({ type: "error", error }, undefined);
      this.#fail(message, { reason: "join crashed" });
      return undefined;
    }
  }

  #opened({ topic, message, route: { definition } }: PendingJoin, assigns: object): JoinedChannel {
    const { joinRef, ref } = message;
    return new JoinedChannel(this.#context, this, {
      topic,
      joinRef: joinRef ?? ref,
      heldRef: joinRef,
      definition,
      assigns: { ...this.assigns, ...assigns },
    });
  }

  /** Nobody waited any more; what the app has begun, it hears the end of. */
  #late(pending: PendingJoin, outcome: JoinOutcome, reason: StopReason): void {
    if (outcome.type === "crashed") this.#context.report(outcome.error);
    if (outcome.type === "joined") this.#opened(pending, outcome.assigns).end(reason, undefined);
  }

  #leave(message: ClientMessage, there: JoinedChannel | undefined, bytes: number): void {
    const { joinRef, ref, topic } = message;
    if (there === undefined) return this.#answer(joinRef, ref, topic, "ok", {});
    if (!this.#isFor(message, there) || there.leaving) return;
    there.leave(ref, bytes);
  }

  #isFor({ joinRef }: ClientMessage, { heldRef }: JoinedChannel): boolean {
    return joinRef === null || sameRef(joinRef, heldRef);
  }

  #withinRate(channel: JoinedChannel): boolean {
    const { buckets, clock } = this.#context;
    const paid = buckets.channel.take(channel.paid, clock.monotonic());
    if (paid === undefined) return false;
    channel.paid = paid;
    return true;
  }

  #raw(data: Uint8Array, bytes: number): void {
    if (!this.#pays()) return this.#refused("rate", undefined, { rate: "messageRate" });
    for (const channel of this.channels()) {
      if (channel.definition.raw === undefined) continue;
      if (this.#withinRate(channel)) channel.take({ type: "raw", data, bytes });
      else this.#refused("rate", channel.topic, { rate: "channelRate" });
    }
  }

  #unmatched({ ref, topic, event }: ClientMessage): void {
    const known = typeof topic === "string" ? topic : undefined;
    const served = known !== undefined && this.#context.routeOf(known) !== undefined;
    const { patterns } = this.#context;
    this.#refused("unmatched-topic", known, served ? { event, joined: false } : { event, patterns });
    this.#fail({ joinRef: null, ref, topic }, { reason: "unmatched topic" });
  }

  /** Too fast. Whoever waits for an answer hears it; Phoenix has no rates, and beryl says nothing. */
  #limited(message: ClientMessage, details: { readonly rate: string }): void {
    const { ref, topic } = message;
    this.#refused("rate", typeof topic === "string" ? topic : undefined, details);
    if (ref !== null) this.#fail(message, { reason: "rate_limited" });
  }

  #tooLong(message: ClientMessage, what: string): void {
    this.#refused("malformed", undefined, { what });
    this.#fail(message, { reason: "too long" });
  }

  #fail({ joinRef, ref, topic }: Pick<ClientMessage, "joinRef" | "ref" | "topic">, told: Told): void {
    this.#answer(joinRef, ref, topic, "error", told);
  }

  #answer(joinRef: Json, ref: Json, topic: Json, status: string, response: Json | Uint8Array): void {
    this.say(this.serialiser.reply({ joinRef, ref, topic, status, response }));
  }

  #refused(code: ChannelRefusal["code"], topic: string | undefined, details: unknown): void {
    this.#context.refused({ code, socketId: this.id, topic, details });
  }
}

function reasonOf(why: string | undefined): StopReason {
  switch (why) {
    case "heartbeat":
      return { type: "heartbeatTimeout" };
    case "disconnected":
    case "draining":
    case "inactive":
      return { type: "shutdown", why };
    default:
      return { type: "shutdown", why: "closed" };
  }
}
