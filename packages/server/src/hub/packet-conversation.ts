// A packet that is a conversation by itself: `Hello` first, then what its client has to say, and the answers go where
// the packet came from (an HTTP POST). Its client's stream may be here, on another node or nowhere. Messages go to their
// targets whichever it is, for the log decides; what concerns subscriptions needs the stream. Not here: HTTP, whether it
// is let in (admission.ts), what a frame does (router.ts).
import type { AppCode, ClientFrame, ClientFrames, ClosingCode, Limits, ServerFrame } from "@calla/shared";
import { brief } from "../base/brief.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import { Conversation, read } from "../connection/conversation.ts";
import type { Closed, ConversationKeeper, Speaker } from "../connection/conversation.ts";
import { SingleTask, unreadEnd } from "../connection/incoming.ts";
import type { Intake } from "../connection/intake.ts";
import { refused } from "../connection/refusal.ts";
import type { Encoder } from "../context/encoder.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Admission } from "./admission.ts";
import type { Router } from "./router.ts";

export interface PacketParts {
  readonly context: ServerContext;
  /** The packets that wait for answers: what is revoked meanwhile is revoked for them, too. */
  readonly packets: Set<Conversation>;
  /** What a packet is read by. */
  readonly limits: Limits;
  /** What a request's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  readonly admission: Admission;
  readonly router: Router;
  readonly intake: Intake;
}

/** One packet, and to whom its answers go. `connection.close` says that there are no more. */
export interface PacketAnswer {
  readonly data: string | Uint8Array;
  readonly request: ConnectRequest;
  readonly encoder: Encoder;
  readonly connection: Connection;
}

/** The conversation of one packet: it is over when every message has had its answer. */
class Packet extends Conversation {
  /** Messages without an answer, by target. */
  readonly #waiting = new Map<string, number>();
  answered: (() => void) | undefined;
  /** Nothing more of it will be taken. */
  over: (() => void) | undefined;
  override speaker: Speaker = "packet";

  expect({ mid, target }: ClientFrames["TopicMessage"]): void {
    if (mid === 0) return; // ephemeral: nothing comes back
    this.#waiting.set(target, (this.#waiting.get(target) ?? 0) + 1);
  }
  /** It has no answer of its own: another one's holds for it. */
  unexpect({ mid, target }: ClientFrames["TopicMessage"]): void {
    if (mid > 0) this.#less(target, 1);
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
  override finish(): void {
    if (this.phase === "closed") return;
    super.finish();
    this.connection.close(1000, "");
  }
  override closes(code: ClosingCode | AppCode | "" = "", within = 0): Closed {
    const closed = super.closes(code, within);
    this.over?.();
    this.answered?.();
    return closed;
  }
}

/** Keeps packets: nothing that a packet is sent could be held back, and its end is nobody's to hear of. */
class PacketKeeper implements ConversationKeeper {
  readonly #parts: PacketParts;
  readonly fullBytes: number;

  constructor(parts: PacketParts) {
    this.#parts = parts;
    this.fullBytes = parts.context.limits.maxBufferedBytes;
  }

  full(packet: Conversation): void {
    packet.end("slow");
  }
  ended(packet: Conversation): void {
    const { packets, intake, admission } = this.#parts;
    if (!packets.delete(packet)) return;
    intake.drop(packet);
    admission.left(packet);
  }
  report(error: unknown): void {
    this.#parts.context.report(error);
  }
}

/** Takes packets; each call returns what to call when the sender of that packet has gone. */
export function packetAnswers(parts: PacketParts): (spoken: PacketAnswer) => () => void {
  const keeper = new PacketKeeper(parts);
  return (spoken) => answerPacket(parts, keeper, spoken);
}

function answerPacket(
  parts: PacketParts,
  keeper: PacketKeeper,
  { data, request, encoder, connection }: PacketAnswer,
): () => void {
  const packet = new Packet(keeper, connection, request, encoder, parts.addressOf(request));
  parts.packets.add(packet);
  parts.admission.arrived(packet);
  void taken(parts, packet, data).catch((error: unknown) => packet.fail(error));
  return () => packet.gone();
}

async function taken(parts: PacketParts, packet: Packet, data: string | Uint8Array): Promise<void> {
  const { context, admission } = parts;
  const heard = read(packet.encoder, data, parts.limits);
  if (!heard.ok) {
    refused(context, packet, undefined, heard.code, { error: brief(String(heard.error)) });
    return packet.end(unreadEnd(heard.code, false));
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
    return packet.end("protocol");
  }
  await admission.admit(packet, hello, () => undefined);
  if (packet.phase !== "open") return;
  const elsewhere = await allHeard(parts, packet, frames);
  await answersOf(context, packet);
  if (elsewhere) packet.end("not-here");
  else packet.finish();
}

/** In its turn, like what a connection says. All of them are heard, also behind one that needs the stream: if any did. */
async function allHeard(
  parts: PacketParts,
  packet: Packet,
  frames: readonly ClientFrame[],
): Promise<boolean> {
  let heard = 0;
  let elsewhere = false;
  if (frames.length > 0)
    await new Promise<void>((resolve) => {
      packet.over = resolve;
      const step = (): boolean => {
        if (!heardHere(parts, packet, frames[heard++]!)) elsewhere = true;
        if (heard < frames.length) return true;
        resolve();
        return false;
      };
      parts.intake.take(packet, { bytes: 0, step });
    });
  return elsewhere;
}

/** False: it would need the stream, which is elsewhere. */
function heardHere({ router, intake }: PacketParts, packet: Packet, frame: ClientFrame): boolean {
  if (packet.phase === "closed") return true;
  if (frame.type === "TopicMessage") {
    packet.expect(frame);
    if (router.message(packet, frame) === "ignored") packet.unexpect(frame);
    return true;
  }
  const { stream } = packet;
  if (frame.type === "Track" && isEarlier(packet, stream)) return true;
  // Of a page that is gone: its stream has ended, or is about to.
  if (frame.type === "Track" && frame.meta === undefined && !frame.watch && stream?.phase !== "open") {
    router.farewell(packet, frame);
    return true;
  }
  if (stream === undefined || stream.phase === "closed") {
    // Whether a server is there, any node can say; about topics only the stream can (HT5).
    if (frame.type !== "Ping" || frame.cursors.length > 0 || frame.presence !== undefined) return false;
    packet.send({ type: "Pong" });
    return true;
  }
  try {
    // Behind what its stream has said before.
    if (intake.waits(stream)) intake.take(stream, new SingleTask(() => router.hear(stream, frame)));
    else router.hear(stream, frame);
  } catch (error) {
    packet.fail(error);
  }
  return true;
}

/** Said by an earlier connection of its client than the stream that is here: what that one says of presence counts (SP21). */
const isEarlier = (packet: Packet, stream: Conversation | undefined): boolean =>
  (attemptOf(packet) ?? Infinity) < (attemptOf(stream) ?? -Infinity);
const attemptOf = (conversation: Conversation | undefined): number | undefined =>
  conversation?.state.phase === "open" ? conversation.state.attempt?.[1] : undefined;

/** Every message has been decided, or time is up: a later outcome comes by the stream, or when the message is sent again. */
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
