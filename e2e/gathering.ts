// What a proxy does that passes nothing on before it has the whole answer.
export class Gathering {
  #held = Buffer.alloc(0);

  /** All that is held once an answer is whole, otherwise nothing. */
  whole(data: Buffer): Buffer {
    this.#held = Buffer.concat([this.#held, data]);
    if (!isWhole(this.#held)) return Buffer.alloc(0);
    const whole = this.#held;
    this.#held = Buffer.alloc(0);
    return whole;
  }
}

/** One answer at a time, as a browser asks over HTTP/1.1. */
function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  if (/^HTTP\/1.1 (101|204|304) /.test(text)) return true;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head));
  return length ? bytes.length >= head + 4 + Number(length[1]) : text.endsWith("0\r\n\r\n");
}
