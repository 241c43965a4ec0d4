// Reads the answer to an HTTP/1.1 request from the bytes of a connection: a status, headers, a body of a known length, in
// chunks, or up to the end of the connection.

export interface Answer {
  readonly status: number;
  /** Names in lower case; of a repeated one, the values joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer being read. */
export class AnswerReader {
  readonly #method: string;
  #bytes: Buffer = Buffer.alloc(0);
  #head: { status: number; headers: Record<string, string>; start: number } | undefined;

  /** `method`: the request's; the answer to HEAD has no body, whatever its length says. */
  constructor(method: string) {
    this.#method = method;
  }

  /** What has come behind the answer: after 101, the first frames. */
  get behind(): Buffer {
    return this.#bytes;
  }

  /** The answer, once it is whole. `ended`: nothing more comes. */
  read(chunk: Uint8Array, ended = false): Answer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#head ??= this.#readHead();
    const head = this.#head;
    if (head === undefined) return undefined;
    const rest = this.#bytes.subarray(head.start);
    const { status, headers } = head;
    const length = headers["content-length"];
    if (this.#method === "HEAD" || status === 101 || status === 204 || status === 304) {
      return this.#whole(rest, 0);
    }
    if (headers["transfer-encoding"] === "chunked") {
      const chunks = readChunks(rest);
      return chunks === undefined ? undefined : this.#whole(chunks.behind, 0, chunks.body);
    }
    if (length !== undefined)
      return rest.length < Number(length) ? undefined : this.#whole(rest, Number(length));
    return ended ? this.#whole(rest, rest.length) : undefined;
  }

  #whole(rest: Buffer, length: number, body = rest.subarray(0, length)): Answer {
    this.#bytes = rest.subarray(length);
    const { status = 0, headers = {} } = this.#head ?? {};
    return { status, headers, body };
  }

  #readHead(): { status: number; headers: Record<string, string>; start: number } | undefined {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first = "", ...lines] = this.#bytes.toString("latin1", 0, end).split("\r\n");
    const headers: Record<string, string> = Object.create(null);
    for (const line of lines) {
      const at = line.indexOf(":");
      const name = line.slice(0, at).trim().toLowerCase();
      const value = line.slice(at + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    return { status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0), headers, start: end + 4 };
  }
}

function readChunks(bytes: Buffer): { body: Buffer; behind: Buffer } | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), behind: bytes.subarray(end + 2) };
    parts.push(bytes.subarray(line + 2, end));
    at = end + 2;
  }
}
