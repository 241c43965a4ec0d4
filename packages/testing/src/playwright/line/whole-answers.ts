// What a proxy does that passes nothing on before it has the whole answer: an event stream says nothing for as long as it
// lives. A browser asks for one thing at a time over HTTP/1.1, so there is one answer under way.
export class WholeAnswers {
  #held: Buffer[] = [];

  /** All that is held once an answer is whole, otherwise nothing. */
  take(data: Buffer): Buffer {
    this.#held.push(data);
    const all = Buffer.concat(this.#held);
    if (!isWhole(all)) return Buffer.alloc(0);
    this.#held = [];
    return all;
  }
}

function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  if (/^HTTP[/]1[.]1 (101|204|304) /.test(text)) return true;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
  return length ? bytes.length >= head + 4 + Number(length[1]) : text.endsWith("0\r\n\r\n");
}
