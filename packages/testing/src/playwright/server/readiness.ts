// Whether something is there on a port of this machine.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds between two questions. */
const PAUSE = 50;

/** One that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The port, once something there answers as `ready` says. */
export async function answers(
  port: number,
  ready: "port" | { readonly path: string },
  over: AbortSignal,
): Promise<number> {
  const ask = ready === "port" ? () => listens(port) : () => isWell(port, ready.path, over);
  while (!over.aborted && !(await ask())) await wait(PAUSE);
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "localhost");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function isWell(port: number, path: string, over: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(new URL(path, `http://localhost:${port}`), { signal: over })).ok;
  } catch {
    return false;
  }
}
