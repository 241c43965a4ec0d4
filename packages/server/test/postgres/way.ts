// A way to one server or another, as an address has that moves at a failover: what goes through is untouched.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface Way {
  /** A server's url, by this way. */
  of(url: string): string;
  /** New connections go there. Those that stand stay. */
  lead(url: string): void;
  /** Ends all connections. */
  cut(): void;
  close(): void;
}

/** It refuses everybody until it leads somewhere. */
export async function openWay(): Promise<Way> {
  let to: URL | undefined;
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((near) => {
    kept(near);
    if (to === undefined) return void near.destroy();
    const far = kept(connect(Number(to.port), to.hostname));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    of(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    lead: (url) => void (to = new URL(url)),
    cut,
    close() {
      server.close();
      cut();
    },
  };
}
