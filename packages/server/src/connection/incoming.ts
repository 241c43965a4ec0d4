// What a connection has said, as work that is done step by step (intake.ts): a packet frame by frame, requests to
// subscribe one by one. Not here: what a frame does (router.ts).
import type { ClientFrame, ClientFrames, Limits, Subscription } from "@calla/shared";
import { brief } from "../base/brief.ts";
import type { ConnectionEnd } from "../base/ending.ts";
import { allowed, isOutside, read } from "./conversation.ts";
import type { Conversation, UnreadCode } from "./conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { refused } from "./refusal.ts";
import type { Work } from "./intake.ts";

/** What packets are read by, and who takes their frames: the router lies above this file, so it is called by `hear`. */
export interface IncomingHandler {
  readonly context: ServerContext;
  /** Holds for whoever has not been let in. */
  readonly outside: Limits;
  /** `words`: what is said of presence in the packet of a Hello. */
  hear(conversation: Conversation, frame: ClientFrame, words?: readonly PollWord[]): void;
}

/** What may stand behind a Hello; `ListMembers` behind a poll's alone. */
export type PollWord = ClientFrames["Track"] | ClientFrames["ListMembers"];

/** What anything that waits holds besides its bytes, roughly. */
const OVERHEAD = 128;

export class IncomingPacket implements Work {
  readonly bytes: number;
  readonly #handler: IncomingHandler;
  readonly #conversation: Conversation;
  #data: string | Uint8Array;
  #frames: readonly ClientFrame[] | undefined;
  #at = 0;

  constructor(handler: IncomingHandler, conversation: Conversation, data: string | Uint8Array) {
    this.#handler = handler;
    this.#conversation = conversation;
    this.#data = data;
    this.bytes = data.length + OVERHEAD;
  }

  step(): boolean {
    const conversation = this.#conversation;
    const frames = (this.#frames ??= this.#read());
    const frame = frames[this.#at++];
    if (frame === undefined) return false;
    const words = frame.type === "Hello" ? wordsBehind(frame, frames) : [];
    // A packet with a Hello holds nothing else, but for presence: otherwise the Hello is not answered either.
    if (!allowed(conversation.phase, frame) || words === undefined) {
      refused(this.#handler.context, conversation, undefined, "protocol", {
        frame: frame.type,
        phase: conversation.phase,
      });
      conversation.end("protocol");
      return false;
    }
    if (words.length === 0) this.#handler.hear(conversation, frame);
    else this.#handler.hear(conversation, frame, words);
    this.#at += words.length;
    return this.#at < frames.length;
  }

  /** None: its peer has to go. */
  #read(): readonly ClientFrame[] {
    const { context } = this.#handler;
    const outside = isOutside(this.#conversation);
    const limits = outside ? this.#handler.outside : context.limits;
    const heard = read(this.#conversation.encoder, this.#data, limits);
    this.#data = "";
    if (heard.ok) return heard.frames;
    refused(context, this.#conversation, undefined, heard.code, { error: brief(String(heard.error)) });
    this.#conversation.end(unreadEnd(heard.code, outside));
    return [];
  }
}

/** A client that polls has no other word in which to say by which metas it is listed. undefined: something else is there. */
function wordsBehind(
  hello: ClientFrames["Hello"],
  [first, ...behind]: readonly ClientFrame[],
): readonly PollWord[] | undefined {
  if (first === hello && behind.length === 0) return [];
  const isWord = ({ type }: ClientFrame): boolean =>
    type === "Track" || (hello.poll === true && type === "ListMembers");
  return first === hello && behind.every(isWord) ? (behind as readonly PollWord[]) : undefined;
}

/** A Hello can be said in parts (CL20): only a client that is not let in yet may retry what was too large. */
export const unreadEnd = (code: UnreadCode, outside: boolean): ConnectionEnd =>
  code === "too-large" ? { code, retryable: outside } : code;

/** The router that subscribes and the hub that ends a poll lie above this file: they are called back. */
export class SubscribeRequests implements Work {
  readonly bytes = OVERHEAD;
  readonly #requests: readonly Subscription[];
  readonly #subscribe: (asked: Subscription) => Promise<void> | undefined;
  readonly #asked: (answers: readonly (Promise<void> | undefined)[]) => void;
  readonly #answers: (Promise<void> | undefined)[] = [];

  /** `asked` is called once all were asked for, with the answers that have to be waited for. */
  constructor(
    requests: readonly Subscription[],
    subscribe: (asked: Subscription) => Promise<void> | undefined,
    asked: (answers: readonly (Promise<void> | undefined)[]) => void,
  ) {
    this.#requests = requests;
    this.#subscribe = subscribe;
    this.#asked = asked;
  }

  step(): boolean {
    const request = this.#requests[this.#answers.length];
    if (request !== undefined) this.#answers.push(this.#subscribe(request));
    if (this.#answers.length < this.#requests.length) return true;
    this.#asked(this.#answers);
    return false;
  }
}

/** Of several requests for one target only the newest counts: together they cost one answer. */
export function newest(targets: readonly Subscription[]): readonly Subscription[] {
  if (targets.length < 2) return targets;
  const byTarget = new Map<string, Subscription>();
  for (const asked of targets)
    if ((byTarget.get(asked.target)?.ref ?? 0) <= asked.ref) byTarget.set(asked.target, asked);
  return [...byTarget.values()];
}

/** One thing to be done. */
export class SingleTask implements Work {
  readonly bytes = OVERHEAD;
  readonly #run: () => void;
  constructor(run: () => void) {
    this.#run = run;
  }
  step(): boolean {
    this.#run();
    return false;
  }
}
