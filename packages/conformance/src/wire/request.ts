// One HTTP request over a connection of its own, shown whole: status, headers, body, or a connection that was reset.
import { AnswerReader } from "./answer.ts";
import { authorityOf, reach, type Reach } from "./reach.ts";
import { headOf, type Heard } from "./raw-socket.ts";

export interface HttpRequest extends Reach {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/**
 * Asks, and hears an `answer`, or `end` where the connection ended first. Nothing is added to the request but Host, the
 * body's length and `connection: close`.
 *
 * @returns what gives up the request
 * @example
 * ask({ host: "127.0.0.1", port: 4000, method: "GET", path: "/socket/longpoll?vsn=2.0.0" }, console.log);
 */
export function ask(request: HttpRequest, hear: (heard: Heard) => void): () => void {
  const { method, path, headers = {}, body } = request;
  const reader = new AnswerReader(method);
  const socket = reach(request);
  socket.setNoDelay(true);
  let over = false;
  const heard = (chunk: Uint8Array, ended: boolean): void => {
    if (over) return;
    const answer = reader.read(chunk, ended);
    if (answer === undefined && !ended) return;
    over = true;
    const ms = performance.now();
    hear(answer === undefined ? { heard: "end", ms } : { heard: "answer", ms, answer });
    socket.destroy();
  };
  socket.on("data", (chunk) => heard(chunk, false));
  // A server that refuses a body it is still being sent resets the connection: what it said before counts.
  for (const end of ["end", "error", "close"]) socket.on(end, () => heard(Buffer.alloc(0), true));
  const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? Buffer.alloc(0));
  const length = body === undefined ? {} : { "content-length": String(bytes.length) };
  socket.write(
    headOf(method, path, { host: authorityOf(request), connection: "close", ...length, ...headers }),
  );
  if (bytes.length > 0) socket.write(bytes);
  return () => {
    over = true;
    socket.destroy();
  };
}
