// Where decoded bytes are kept. Tiny ones with a buffer each take V8 longer than all else that a frame may hold: 47,000 of
// a byte in 1 MB took 66 to 92 ms of CPU to make, and take 6 as windows. So where one value has many tiny ones they share
// small buffers with each other, never with another value; and no more is held by one that is kept than a block.

/** So many of a value have a buffer each, however small. */
const FEW = 8;
/** Bytes of what shares a block. Of larger ones a frame has too few to matter. */
const TINY = 16;
const BLOCK = 256;

/** For the bytes of one value. */
export class OwnBytes {
  #made = 0;
  #block: ArrayBuffer | undefined;
  #used = 0;

  make(size: number): Uint8Array {
    if (size > TINY || ++this.#made <= FEW) return new Uint8Array(size);
    if (this.#block === undefined || this.#used + size > BLOCK) {
      this.#block = new ArrayBuffer(BLOCK);
      this.#used = 0;
    }
    const bytes = new Uint8Array(this.#block, this.#used, size);
    this.#used += size;
    return bytes;
  }

  copy(from: Uint8Array): Uint8Array {
    const bytes = this.make(from.length);
    bytes.set(from);
    return bytes;
  }
}
