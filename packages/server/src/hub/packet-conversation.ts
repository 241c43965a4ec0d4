// A packet that is a conversation by itself: `Hello` first, then what its client has to say, and the answers go where
// the packet came from (an HTTP POST). Its client's stream may be here, on another node or nowhere. Messages go to their
// targets whichever it is, for the log decides; what concerns the following needs the stream. Not here: HTTP.
import type { AppCode, ClientFrame, ClientFrames, ClosingCode, Limits, ServerFrame } from "@calla/shared";
import { Asker } from "../app/app-checks.ts";
import { brief } from "../base/brief.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import { Conversation, read } from "../connection/conversation.ts";
import type { ConversationEvents } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { keyOf } from "../target/target-directory.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { Encoder } from "../context/encoder.ts";
import type { Access } from "./access.ts";
import type { Greeting } from "./hello.ts";
import type { Intake } from "../connection/intake.ts";
import { SingleTask } from "../connection/incoming.ts";
import type { RateLimiter } from "../connection/rate-limiter.ts";
import type { RecentRightsChanges } from "../app/recent-rights-changes.ts";
import type { Parties } from "../connection/parties.ts";
import { refused } from "../connection/refusal.ts";

export interface PacketParts {
  readonly context: ServerContext;
  readonly keeper: ConversationEvents;
  readonly dispatcher: Dispatcher;
  /** The open conversation of each client: its stream, if that is here. */
  readonly clients: ReadonlyMap<string, Conversation>;
  readonly flushers: ReadonlyMap<string, Conversation>;
  /** The packets that wait for answers: what is revoked meanwhile is revoked for them, too. */
  readonly packets: Set<Conversation>;
  /** What a packet is read by. */
  readonly limits: Limits;
  greet(hello: ClientFrames["Hello"], packet: Conversation): Greeting | Promise<Greeting>;
  left(packet: Conversation): void;
  addressOf(request: ConnectRequest): string | undefined;
  readonly recentChanges: RecentRightsChanges;
  readonly rateLimiter: RateLimiter;
  readonly parties: Parties;
  readonly intake: Intake;
  readonly access: Access;
  /** Why nobody new is served, once this node drains or stops. */
  away(): Unavailable | undefined;
  /** Does what a frame asks in an open conversation. */
  hear(conversation: Conversation, frame: ClientFrame): void;
}

/** One packet, and to whom its answers go. `connection.close` says that there are no more. */
export interface PacketAnswer {
  readonly data: string | Uint8Array;
  readonly request: ConnectRequest;
  readonly encoder: Encoder;
  readonly connection: Connection;
}

/** What those are told who come while this node drains or stops: to come again, some time within so many milliseconds. */
export interface Unavailable {
  readonly code: "draining" | "stopping";
  readonly within: number;
}

type Dispatched = ClientFrames["TopicMessage"];

/** The conversation of one packet: it is over when every message has had its answer. */
class Packet extends Conversation {
  /** Messages without an answer, by target. */
  readonly #waiting = new Map<string, number>();
  answered: (() => void) | undefined;
  /** Nothing more of it will be taken. */
  over: (() => void) | undefined;
  override readonly brief = true;
  /** What it asks, it asks for its client's stream. */
  leans = false;

  expect(frame: Dispatched): void {
    if (frame.mid === 0) return; // ephemeral: nothing comes back
    const target = frame.target;
    this.#waiting.set(target, (this.#waiting.get(target) ?? 0) + 1);
  }
  /** It has no answer of its own: another one's holds for it. */
  unexpect(frame: Dispatched): void {
    if (frame.mid > 0) this.#less(frame.target, 1);
  }
  #less(target: string, count: number): void {
    const left = (this.#waiting.get(target) ?? 0) - count;
    if (left > 0) this.#waiting.set(target, left);
    else this.#waiting.delete(target);
    if (this.done) this.answered?.();
  }
  get done(): boolean {
    return this.#waiting.size === 0;
  }
  override send(frame: ServerFrame): void {
    super.send(frame);
    if (frame.type !== "Acknowledge" && frame.type !== "Rejected" && frame.type !== "Paused") return;
    // After a conflict nothing more of that target is taken, nor answered (TE5).
    this.#less(frame.target, frame.type === "Rejected" && frame.code === "mid-conflict" ? Infinity : 1);
  }
  override close(code: ClosingCode | AppCode, retryable: boolean, within = 0): void {
    super.close(code, retryable, within);
    this.over?.();
    this.answered?.();
  }
  /** No more is said, and nothing went wrong. */
  finish(): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.connection.close(1000, "");
  }
  /** It speaks for a client that follows here: what that may reach, this may, and no longer than that. */
  leanOn(stream: Conversation): void {
    this.follows = stream.follows;
    // The very same, so that what is revoked there while something waits here is asked about again (S43).
    this.gates = stream.gates ??= new Map();
    this.asker = stream.asker ??= new Asker(stream.party?.key ?? "");
    this.leans = true;
    this.granted = stream.granted ??= new Set();
    this.pauses = stream.pauses ??= new Map();
  }
}

/** Takes a packet; returns what to call when whoever sent it has gone. */
export function answerPacket(
  parts: PacketParts,
  { data, request, encoder, connection }: PacketAnswer,
): () => void {
  const packet = new Packet(parts.keeper, connection, request, encoder);
  parts.packets.add(packet);
  packet.address = parts.addressOf(request);
  parts.parties.arrived(packet);
  const over = (): void => {
    packet.greeted?.();
    if (!parts.packets.delete(packet)) return;
    parts.intake.drop(packet);
    parts.parties.left(packet);
    if (!packet.leans) parts.access.left(packet);
    parts.left(packet);
  };
  const { clock, limits } = parts.context;
  packet.greeted = clock.setTimeout(() => {
    over(); // it is never found out who it is: nothing else would tell
    packet.close("hello-timeout", true);
  }, limits.helloTimeout);
  void taken(parts, packet, data)
    .catch((error: unknown) => {
      parts.context.report(error);
      packet.close("failed", true);
    })
    .finally(over);
  return () => {
    packet.phase = "closed";
    over();
    packet.over?.();
    packet.answered?.();
  };
}

async function taken(parts: PacketParts, packet: Packet, data: string | Uint8Array): Promise<void> {
  const { context } = parts;
  const heard = read(packet.encoder, data, parts.limits);
  if (!heard.ok) {
    refused(context, packet, undefined, heard.code, { error: brief(String(heard.error)) });
    return packet.close(heard.code, false);
  }
  const [hello, ...frames] = heard.frames;
  if (
    hello?.type !== "Hello" ||
    hello.identity === undefined ||
    frames.some(({ type }) => type === "Hello")
  ) {
    refused(context, packet, undefined, "protocol", {
      frames: heard.frames.slice(0, 8).map(({ type }) => type),
    });
    return packet.close("protocol", false);
  }
  packet.phase = "greeting";
  const since = parts.recentChanges.count;
  const found = await parts.greet(hello, packet);
  packet.greeted?.();
  if ((packet.phase as string) !== "greeting") return; // gone meanwhile
  const greeting: Greeting = found.ok ? parts.recentChanges.asNow(found, found.clientId, since) : found;
  if (!greeting.ok) {
    if (greeting.error !== undefined) context.report(greeting.error);
    refused(context, packet, undefined, greeting.code, {});
    if (greeting.last !== undefined) packet.send(greeting.last);
    // A token may have run out since the stream's Hello; a new Hello brings a fresh one, and is told if that is no good.
    return packet.close(greeting.code, greeting.retryable || greeting.code === "unauthenticated");
  }
  // What authenticate let in all the same: a stream would be closed at once, too.
  if ((greeting.expires ?? Infinity) <= context.clock.now()) return packet.close("token-expired", true);
  // Nothing is taken under an identity that the client does not know of: its next Hello is told (CV16).
  if (greeting.fresh) return packet.close("identity", true);
  packet.phase = "open";
  packet.clientId = greeting.clientId;
  packet.user = greeting.user;
  packet.flushOnly = hello.flushOnly === true;
  if (packet.flushOnly && parts.clients.has(packet.clientId)) return packet.close("in-use", true);
  const stream = (packet.flushOnly ? parts.flushers : parts.clients).get(packet.clientId);
  const away = parts.away();
  // Whose stream is here and not yet sent away is served like any; whoever else asks has to be told elsewhere (SV8).
  if (away !== undefined && stream?.leaving !== false) return packet.close(away.code, true, away.within);
  if (stream !== undefined) {
    packet.leanOn(stream);
    parts.parties.leans(packet, stream);
  } else parts.parties.entered(packet, false);
  const elsewhere = await allHeard(parts, packet, stream, frames);
  await answersOf(context, packet);
  if (elsewhere) packet.close("not-here", true);
  else packet.finish();
}

/** In its turn, like what a connection says. All of them are heard, also behind one that needs the stream: if any did. */
async function allHeard(
  parts: PacketParts,
  packet: Packet,
  stream: Conversation | undefined,
  frames: readonly ClientFrame[],
): Promise<boolean> {
  let heard = 0;
  let elsewhere = false;
  if (frames.length > 0)
    await new Promise<void>((resolve) => {
      packet.over = resolve;
      const step = (): boolean => {
        if (!heardHere(parts, packet, stream, frames[heard++]!)) elsewhere = true;
        if (heard < frames.length) return true;
        resolve();
        return false;
      };
      parts.intake.take(packet, { bytes: 0, step });
    });
  return elsewhere;
}

/** False: it would need the stream, which is elsewhere. */
function heardHere(
  { context, dispatcher, rateLimiter, intake, hear }: PacketParts,
  packet: Packet,
  stream: Conversation | undefined,
  frame: ClientFrame,
): boolean {
  if ((packet.phase as string) === "closed") return true;
  if (frame.type === "TopicMessage") {
    packet.expect(frame);
    const limited = rateLimiter.message(packet, frame);
    if (limited === "ignored") packet.unexpect(frame);
    if (limited !== "taken") return true;
    dispatcher.message(packet, keyOf(packet, frame.target), frame);
    return true;
  }
  if (stream === undefined || stream.phase === "closed") {
    // Whether a server is there, any node can say; about topics only the stream can (HT5).
    if (frame.type !== "Ping" || frame.cursors.length > 0) return false;
    packet.send({ type: "Pong" });
    return true;
  }
  try {
    // Behind what its stream has said before.
    if (stream.pendingInput !== undefined) intake.take(stream, new SingleTask(() => hear(stream, frame)));
    else hear(stream, frame);
  } catch (error) {
    context.report(error);
    packet.close("failed", true);
  }
  return true;
}

/** Every message has been decided, or time is up: what is decided later comes by the stream, or when it is sent again. */
function answersOf({ clock, limits }: ServerContext, packet: Packet): Promise<void> {
  if (packet.done || packet.phase === "closed") return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.setTimeout(resolve, limits.answerWithin);
    packet.answered = () => {
      cancel();
      resolve();
    };
  });
}
