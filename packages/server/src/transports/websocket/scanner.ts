// Finds where frames begin and end in the bytes of a WebSocket (RFC 6455, section 5.2), beside `ws` and not instead of
// it: `ws` reports whole messages only, while a peer may send control frames, empty fragments, and messages that never
// end.

const FIN = 0x80;
/** Opcodes from here on are control frames, which may stand inside a message. */
const CONTROL = 0x08;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** The next byte is a frame's first, its second, of its length, of its mask, of its payload. */
type ScanPlace = "first" | "second" | "length" | "mask" | "payload";

export class Scanner {
  #place: ScanPlace = "first";
  #control = false;
  #fin = false;
  #masked = false;
  /** Bytes of this place still to come. */
  #left = 0;
  #size = 0;
  /** Bytes so far of a message that is not whole, its headers too. */
  #message = 0;
  #frames = 0;
  #whole = false;

  /** Frames that have begun since this was last asked. */
  takeFrames(): number {
    const frames = this.#frames;
    this.#frames = 0;
    return frames;
  }

  /** Whether anything has come whole since this was last asked. */
  takeWhole(): boolean {
    const whole = this.#whole;
    this.#whole = false;
    return whole;
  }

  /** Bytes of what has begun and is not whole: a message with all its fragments, a part of a frame. */
  get unfinished(): number {
    return this.#message;
  }

  read(chunk: Uint8Array): void {
    const { length } = chunk;
    let at = 0;
    while (at < length) {
      if (this.#place === "payload") {
        const some = Math.min(this.#left, length - at);
        at += some;
        this.#left -= some;
        this.#message += some;
        if (this.#left === 0) this.#end();
      } else this.#header(chunk[at++]!);
    }
  }

  #header(byte: number): void {
    this.#message++;
    switch (this.#place) {
      case "first":
        this.#frames++;
        this.#fin = byte >= FIN;
        this.#control = (byte & 0x0f) >= CONTROL;
        this.#place = "second";
        return;
      case "second": {
        const size = byte & 0x7f;
        this.#masked = byte >= MASKED;
        this.#size = size < 126 ? size : 0;
        this.#left = size < 126 ? 0 : size === 126 ? 2 : 8;
        this.#place = "length";
        break;
      }
      case "length":
        this.#size = this.#size * 256 + byte;
        this.#left--;
        break;
      default:
        this.#left--;
    }
    if (this.#left > 0) return;
    if (this.#place === "length" && this.#masked) {
      this.#place = "mask";
      this.#left = MASK_BYTES;
    } else {
      this.#place = "payload";
      this.#left = this.#size;
      if (this.#left === 0) this.#end();
    }
  }

  /** A frame is whole: so is its message, or it goes on. A control frame leaves what it stands in as it was. */
  #end(): void {
    this.#place = "first";
    if (this.#control) this.#message = this.#begun ? this.#message : 0;
    else {
      this.#begun = !this.#fin;
      if (this.#fin) this.#message = 0;
    }
    if (this.#message === 0) this.#whole = true;
  }
  /** A message has more fragments to come. */
  #begun = false;
}
