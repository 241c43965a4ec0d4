// The frames of one direction of a WebSocket, so that messages are lost whole: a stream with a hole in it would be read
// as garbage once bytes arrive again.

const CONTINUATION = 0;
const FIRST_CONTROL = 8;

export class Frames {
  /** The beginning of a frame, as long as its length is not known. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the frame under way that are yet to come. */
  #left = 0;
  /** What becomes of the frame under way; and of the message that it belongs to. */
  #frame = true;
  #message = true;

  /** What is to go on of it. `losing`: messages that begin now do not; one that has begun is not torn. */
  take(data: Buffer, losing: boolean): Buffer {
    const kept: Buffer[] = [];
    let rest = data;
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = Buffer.concat([this.#head, rest]);
        const length = lengthOf(rest);
        this.#head = length === undefined ? rest : Buffer.alloc(0);
        if (length === undefined) break;
        this.#left = length;
        this.#begin(rest[0]! & 15, losing);
      }
      const bytes = rest.subarray(0, this.#left);
      this.#left -= bytes.length;
      rest = rest.subarray(bytes.length);
      if (this.#frame) kept.push(bytes);
    }
    return Buffer.concat(kept);
  }

  #begin(opcode: number, losing: boolean): void {
    if (opcode >= FIRST_CONTROL) {
      this.#frame = !losing;
      return;
    }
    if (opcode !== CONTINUATION) this.#message = !losing;
    this.#frame = this.#message;
  }
}

/** Of a whole frame, by its first bytes; undefined: there are too few of them. RFC 6455, 5.2. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const mask = (bytes[1]! & 128) === 0 ? 0 : 4;
  const short = bytes[1]! & 127;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const payload =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return head + mask + payload;
}
