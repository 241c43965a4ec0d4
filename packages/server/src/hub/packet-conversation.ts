// A packet that is a conversation by itself: `Hello` first, then what its client has to say, and the answers go where
// the packet came from (an HTTP POST). Its client's stream may be here, on another node or nowhere. Messages go to their
// targets whichever it is, for the log decides; what concerns the following needs the stream. Not here: HTTP, whether it
// is let in (admission.ts), what a frame does (router.ts).
import type { ClientFrame, ClientFrames, Limits, ServerFrame } from "@calla/shared";
import { brief } from "../base/brief.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import type { ConnectionEnd } from "../base/ending.ts";
import { Conversation, read } from "../connection/conversation.ts";
import type { ConversationEvents, Speaker } from "../connection/conversation.ts";
import { SingleTask, unreadEnd } from "../connection/incoming.ts";
import type { Intake } from "../connection/intake.ts";
import { refused } from "../connection/refusal.ts";
import type { Encoder } from "../context/encoder.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Admission } from "./admission.ts";
import type { Router } from "./router.ts";

export interface PacketParts {
  readonly context: ServerContext;
  readonly events: ConversationEvents;
  /** The packets that wait for answers: what is revoked meanwhile is revoked for them, too. */
  readonly packets: Set<Conversation>;
  /** What a packet is read by. */
  readonly limits: Limits;
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
  override close(end: ConnectionEnd, within = 0): void {
    super.close(end, within);
    this.over?.();
    this.answered?.();
  }
  /** No more is said, and nothing went wrong. */
  finish(): void {
    if (this.phase === "closed") return;
    this.closes();
    this.connection.close(1000, "");
  }
}

/** Takes a packet; returns what to call when whoever sent it has gone. */
export function answerPacket(
  parts: PacketParts,
  { data, request, encoder, connection }: PacketAnswer,
): () => void {
  const { packets, admission, intake } = parts;
  const packet = new Packet(parts.events, connection, request, encoder);
  packets.add(packet);
  const over = (): void => {
    if (!packets.delete(packet)) return;
    intake.drop(packet);
    admission.left(packet);
  };
  admission.arrived(packet, () => {
    over(); // it is never found out who it is: nothing else would tell
    packet.close("hello-timeout");
  });
  void taken(parts, packet, data)
    .catch((error: unknown) => {
      parts.context.report(error);
      packet.close("failed");
    })
    .finally(over);
  return () => {
    packet.closes();
    over();
    packet.over?.();
    packet.answered?.();
  };
}

async function taken(parts: PacketParts, packet: Packet, data: string | Uint8Array): Promise<void> {
  const { context, admission } = parts;
  const heard = read(packet.encoder, data, parts.limits);
  if (!heard.ok) {
    refused(context, packet, undefined, heard.code, { error: brief(String(heard.error)) });
    return packet.close(unreadEnd(heard.code, false));
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
    return packet.close("protocol");
  }
  await admission.admit(packet, hello, () => undefined);
  if (packet.phase !== "open") return;
  const elsewhere = await allHeard(parts, packet, frames);
  await answersOf(context, packet);
  if (elsewhere) packet.close("not-here");
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
function heardHere({ context, router, intake }: PacketParts, packet: Packet, frame: ClientFrame): boolean {
  if (packet.phase === "closed") return true;
  if (frame.type === "TopicMessage") {
    packet.expect(frame);
    if (router.message(packet, frame) === "ignored") packet.unexpect(frame);
    return true;
  }
  const { stream } = packet;
  if (stream === undefined || stream.phase === "closed") {
    // Whether a server is there, any node can say; about topics only the stream can (HT5).
    if (frame.type !== "Ping" || frame.cursors.length > 0) return false;
    packet.send({ type: "Pong" });
    return true;
  }
  try {
    // Behind what its stream has said before.
    if (stream.pendingInput !== undefined)
      intake.take(stream, new SingleTask(() => router.hear(stream, frame)));
    else router.hear(stream, frame);
  } catch (error) {
    context.report(error);
    packet.close("failed");
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
