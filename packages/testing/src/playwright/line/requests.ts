// What a page asks over one TCP connection: where each request of HTTP/1.1 begins, so that the line knows what it
// carries. It holds a head back until it has all of it, and everything else not at all.

/** The head of one request. */
export interface Request {
  /** As it stands in the request: "/ws?token=1". */
  readonly path: string;
  /** It asks for a WebSocket: what follows it are frames, if the server agrees. */
  readonly webSocket: boolean;
}

/** A stretch of bytes; `request`: it begins with that head. */
export interface Piece {
  readonly bytes: Buffer;
  readonly request?: Request;
}

const END = "\r\n\r\n";
/** A head that is longer is none of a browser's. */
const LONGEST = 64 * 1024;

export class Requests {
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the body under way that are yet to come. */
  #body = 0;

  take(data: Buffer): readonly Piece[] {
    const pieces: Piece[] = [];
    let rest = data;
    while (rest.length > 0) {
      if (this.#body > 0) {
        const bytes = rest.subarray(0, this.#body);
        this.#body -= bytes.length;
        rest = rest.subarray(bytes.length);
        pieces.push({ bytes });
        continue;
      }
      this.#head = Buffer.concat([this.#head, rest]);
      const end = this.#head.indexOf(END);
      if (end < 0 && this.#head.length < LONGEST) break;
      const bytes = end < 0 ? this.#head : this.#head.subarray(0, end + END.length);
      rest = this.#head.subarray(bytes.length);
      this.#head = Buffer.alloc(0);
      const head = bytes.toString("latin1");
      const path = /^[A-Z]+ (\S+) HTTP[/]1[.]/.exec(head)?.[1];
      const webSocket = /\r\nupgrade: *websocket/i.test(head);
      // Behind an upgrade, and in what is no HTTP or has no length that was said, nothing more is a request.
      if (path === undefined || webSocket || /\r\ntransfer-encoding:/i.test(head)) this.#body = Infinity;
      else this.#body = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      pieces.push(path === undefined ? { bytes } : { bytes, request: { path, webSocket } });
    }
    return pieces;
  }
}
