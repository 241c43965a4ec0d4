// A server of bytes for the tests of the clients: says to each connection what the test wants.
import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { Heard } from "../src/wire/raw-socket.ts";

export interface Stub {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; `serve` gets each connection with the head of its request, and the key of a handshake answered. */
export async function stub(
  serve: (socket: Socket, head: string, accept: string, body: string) => void,
): Promise<Stub> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    let text = "";
    let served = false;
    socket.on("data", (chunk) => {
      if (served) return;
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      served = true;
      const key = /sec-websocket-key: (\S+)/.exec(head)?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      serve(socket, head, accept, text.slice(end + 4));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

export const switching = (accept: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;

export const json = (body: unknown): string => {
  const text = JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};

/** Collects what is heard; `until` waits for so many. */
export function ear(): { hear: (heard: Heard) => void; until: (count: number) => Promise<Heard[]> } {
  const all: Heard[] = [];
  let wake = (): void => undefined;
  return {
    hear: (heard) => {
      all.push(heard);
      wake();
    },
    until: async (count) => {
      while (all.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return all;
    },
  };
}
