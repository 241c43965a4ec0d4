// Frames of all senders as messages again: each whole, once and in its sender's order, or a gap. Memory is bounded whatever
// comes: whoever may notify the channel may say anything.
import { readFrame, readMessages } from "./frames.ts";
import type { Message } from "./frames.ts";

export interface InboxOptions {
  heard(message: Message): void;
  /** Something is missing. */
  gap(): void;
  /** It is nothing that an inbox knows. */
  garbled(payload: string): void;
  /** So many characters of messages that are not whole yet, of one sender and of all. */
  readonly mostOfOne: number;
  readonly mostOfAll: number;
}

interface Sender {
  last: number;
  parts: string[] | undefined;
  length: number;
}

/** Who was heard last stays; of one that was forgotten nothing is missing but what came twice. */
const MOST_SENDERS = 1_024;

export class Inbox {
  readonly #options: InboxOptions;
  readonly #senders = new Map<string, Sender>();
  /** Those with a message that is not whole, by how long ago it began. */
  readonly #halves = new Set<Sender>();
  #held = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** How many characters are held of messages that are not whole. */
  get held(): number {
    return this.#held;
  }

  /** What somebody has notified. Does not throw. */
  take(payload: string): void {
    const frame = readFrame(payload);
    if (frame === undefined) return this.#options.garbled(payload);
    const { sender: name, number, kind, body } = frame;
    const sender = this.#senders.get(name) ?? { last: number - 1, parts: undefined, length: 0 };
    if (number <= sender.last) return;
    if (number !== sender.last + 1) {
      this.#drop(sender);
      this.#options.gap();
    }
    sender.last = number;
    this.#senders.delete(name);
    this.#senders.set(name, sender);
    this.#forget();
    if (kind === "=" || kind === "<") {
      if (sender.parts !== undefined) this.#lose(sender);
      if (kind === "=") return this.#deliver(body, payload);
      sender.parts = [];
      this.#halves.add(sender);
    }
    // Of a message that began before this node listened, or that was given up.
    if (sender.parts === undefined) return;
    sender.parts.push(body);
    sender.length += body.length;
    this.#held += body.length;
    if (sender.length > this.#options.mostOfOne) return this.#lose(sender);
    if (kind === ">") {
      const whole = sender.parts.join("");
      this.#drop(sender);
      this.#deliver(whole, payload);
    } else this.#spare();
  }

  /** The line was away: of what is half here the rest may never come. */
  away(): void {
    for (const sender of this.#halves) this.#drop(sender);
  }

  #deliver(body: string, payload: string): void {
    const messages = readMessages(body);
    if (messages === undefined) {
      this.#options.garbled(payload);
      return this.#options.gap();
    }
    for (const message of messages) this.#options.heard(message);
  }

  #drop(sender: Sender): void {
    this.#halves.delete(sender);
    this.#held -= sender.length;
    sender.parts = undefined;
    sender.length = 0;
  }

  #lose(sender: Sender): void {
    this.#drop(sender);
    this.#options.gap();
  }

  /** What began first goes first: its sender has been slow, or is no more. */
  #spare(): void {
    for (const sender of this.#halves) {
      if (this.#held <= this.#options.mostOfAll) return;
      this.#lose(sender);
    }
  }

  #forget(): void {
    for (const [name, sender] of this.#senders) {
      if (this.#senders.size <= MOST_SENDERS) return;
      if (sender.parts !== undefined) this.#lose(sender);
      this.#senders.delete(name);
    }
  }
}
