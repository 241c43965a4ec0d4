// One topic seen by all its subscribers, every delivery checked. The first subscriber to receive a shared frame has it
// parsed: each author's messages must continue theirs without a gap or repetition, Calla's cursor must too. All other
// subscribers must then receive the same frames, byte for byte, in the same order; a frame that is missing, repeated or
// out of place is another frame than the one at its position. At the end everybody must have had everything that was sent.
import type { Dialect, Heard, SharedFrame, Stream } from "./dialects.ts";
import type { Talker } from "./talker.ts";

interface Reference extends SharedFrame {
  readonly bytes: Buffer;
  /** How many of them each author said. */
  readonly own: ReadonlyMap<number, number> | undefined;
  left: number;
}

export class TopicCheck {
  readonly topic: string;
  readonly peers = new Map<number, Talker>();
  /** Messages said here, and message deliveries to all subscribers. */
  said = 0;
  deliveries = 0;
  /** Called when the last subscriber has received a frame. */
  complete: ((messages: SharedFrame["messages"]) => void) | undefined;
  readonly #dialect: Dialect;
  readonly #heard: Pick<Heard, "wrong">;
  readonly #stream: Stream;
  readonly #lastOf = new Map<number, number>();
  #references: Reference[] = [];
  /** The position of the first reference kept. */
  #base = 0;

  constructor(topic: string, dialect: Dialect, heard: Pick<Heard, "wrong">) {
    this.topic = topic;
    this.#dialect = dialect;
    this.#heard = heard;
    this.#stream = { topic, peers: this.peers, sequence: 0, mark: 0 };
  }

  /** A shared frame at a subscriber. Gives how many of the subscriber's own messages it decides. */
  received(peer: Talker, bytes: Buffer, start: number, end: number): number {
    const at = peer.position++ - this.#base;
    const reference = this.#references[at] ?? this.#read(bytes, start, end);
    if (reference.bytes.length !== end - start || reference.bytes.compare(bytes, start, end) !== 0)
      this.#heard.wrong(
        `${peer.number} got a frame out of place: ${bytes.toString("utf8", start, start + 200)}`,
      );
    this.deliveries += reference.messages.length;
    if (--reference.left === 0) {
      this.complete?.(reference.messages);
      this.#forget();
    }
    return reference.own?.get(peer.number) ?? 0;
  }

  /** Whether every subscriber has received every frame. */
  get quiet(): boolean {
    return this.#references.every(({ left }) => left === 0);
  }

  #read(bytes: Buffer, start: number, end: number): Reference {
    const copy = Buffer.from(bytes.subarray(start, end));
    const { messages, decides } = this.#dialect.read(copy, this.#stream, this.#heard);
    const own = decides ? new Map<number, number>() : undefined;
    for (const { from, n } of messages) {
      const last = this.#lastOf.get(from) ?? 0;
      if (n !== last + 1) this.#heard.wrong(`message ${n} of ${from} after its ${last}`);
      this.#lastOf.set(from, n);
      own?.set(from, (own.get(from) ?? 0) + 1);
    }
    this.said += messages.length;
    const reference = { messages, decides, own, bytes: copy, left: this.peers.size };
    this.#references.push(reference);
    return reference;
  }

  #forget(): void {
    let gone = 0;
    while (this.#references[gone]?.left === 0) gone++;
    // In bulk: a shift for each frame would be quadratic where one subscriber is far behind.
    if (gone < 256 && gone < this.#references.length) return;
    this.#references = this.#references.slice(gone);
    this.#base += gone;
  }
}
