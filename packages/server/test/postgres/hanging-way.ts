// A way to the Postgres of this run that can hang: nothing goes on by it, and nobody is told so, as where a cable is pulled
// or a firewall has forgotten a connection.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface HangingWay {
  /** The same database by this way. */
  readonly url: string;
  /** Connections of clients that are open. */
  readonly open: () => number;
  /** Connections that there are now carry nothing any more, ever. `answers`: only what the server says is lost. */
  hang(part?: "all" | "answers"): void;
  /** New ones are taken and carry nothing either, until `clear`. `at`: from where the client says that on. */
  block(at?: string): void;
  clear(): void;
  close(): void;
}

export async function hangingWay(to: string): Promise<HangingWay> {
  const { hostname, port } = new URL(to);
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let blocked: string | undefined;
  const silence = (...sockets: readonly Socket[]): void => {
    for (const socket of sockets) {
      socket.removeAllListeners("data");
      socket.resume();
    }
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on("data", (bytes: Buffer) => {
      if (blocked !== undefined && bytes.includes(blocked)) silence(near, far);
      else far.write(bytes);
    });
    far.on("data", (bytes) => near.write(bytes));
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on("error", () => undefined);
      one.on("close", () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(to);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    open: () => pairs.size,
    hang(part = "all") {
      for (const [near, far] of pairs) silence(...(part === "all" ? [near, far] : [far]));
    },
    block: (at = "") => void (blocked = at),
    clear: () => void (blocked = undefined),
    close() {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
}
