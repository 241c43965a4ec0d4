// What a connection has said, as work that is done step by step (intake.ts): a packet frame by frame, wishes to follow one
// by one. Not here: what a frame does (router.ts).
import type { ClientFrame, Limits, Subscription } from "@calla/shared";
import { brief } from "../base/brief.ts";
import type { ConnectionEnd } from "../base/ending.ts";
import { allowed, isOutside, read } from "./conversation.ts";
import type { Conversation, UnreadCode } from "./conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { refused } from "./refusal.ts";
import type { Work } from "./pending-input.ts";

export interface IncomingHandler {
  readonly context: ServerContext;
  /** What holds for who has not been let in. */
  readonly outside: Limits;
  hear(conversation: Conversation, frame: ClientFrame): void;
  end(conversation: Conversation, end: ConnectionEnd): void;
}

/** What anything that waits holds besides its bytes, roughly. */
const OVERHEAD = 128;

export class IncomingPacket implements Work {
  readonly bytes: number;
  readonly #ear: IncomingHandler;
  readonly #conversation: Conversation;
  #data: string | Uint8Array;
  #frames: readonly ClientFrame[] | undefined;
  #at = 0;

  constructor(ear: IncomingHandler, conversation: Conversation, data: string | Uint8Array) {
    this.#ear = ear;
    this.#conversation = conversation;
    this.#data = data;
    this.bytes = data.length + OVERHEAD;
  }

  step(): boolean {
    const conversation = this.#conversation;
    const frames = (this.#frames ??= this.#read());
    const frame = frames[this.#at++];
    if (frame === undefined) return false;
    // Nothing may follow a Hello in its packet: then that is not answered either.
    if (!allowed(conversation.phase, frame) || (frame.type === "Hello" && frames.length > 1)) {
      refused(this.#ear.context, conversation, undefined, "protocol", {
        frame: frame.type,
        phase: conversation.phase,
      });
      this.#ear.end(conversation, "protocol");
      return false;
    }
    this.#ear.hear(conversation, frame);
    return this.#at < frames.length;
  }

  /** None: its peer has to go. */
  #read(): readonly ClientFrame[] {
    const { context, end } = this.#ear;
    const outside = isOutside(this.#conversation);
    const limits = outside ? this.#ear.outside : context.limits;
    const heard = read(this.#conversation.encoder, this.#data, limits);
    this.#data = "";
    if (heard.ok) return heard.frames;
    refused(context, this.#conversation, undefined, heard.code, { error: brief(String(heard.error)) });
    end(this.#conversation, unreadEnd(heard.code, outside));
    return [];
  }
}

/** A Hello can be said in parts (CL20): only who is not let in yet comes again with what was too large. */
export const unreadEnd = (code: UnreadCode, outside: boolean): ConnectionEnd =>
  code === "too-large" ? { code, retryable: outside } : code;

export class SubscribeRequests implements Work {
  readonly bytes = OVERHEAD;
  readonly #wishes: readonly Subscription[];
  readonly #follow: (asked: Subscription) => Promise<void> | undefined;
  readonly #asked: (answers: readonly (Promise<void> | undefined)[]) => void;
  readonly #answers: (Promise<void> | undefined)[] = [];

  /** `asked` hears, once all were, what has to be waited for. */
  constructor(
    wishes: readonly Subscription[],
    follow: (asked: Subscription) => Promise<void> | undefined,
    asked: (answers: readonly (Promise<void> | undefined)[]) => void,
  ) {
    this.#wishes = wishes;
    this.#follow = follow;
    this.#asked = asked;
  }

  step(): boolean {
    const wish = this.#wishes[this.#answers.length];
    if (wish !== undefined) this.#answers.push(this.#follow(wish));
    if (this.#answers.length < this.#wishes.length) return true;
    this.#asked(this.#answers);
    return false;
  }
}

/** Of several wishes for one target only the newest counts: none costs more than one answer. */
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
