// A client that says frames by hand, as a page would not: it keeps no rules but those it is told.
import { PROTOCOL_VERSION } from "@calla/shared";
import type { ClientFrame, ServerFrame } from "@calla/shared";
import { WebSocket } from "ws";
import { idOf, said, wiring } from "./fixtures.ts";

export interface RawClient {
  readonly identity: { readonly clientId: string; readonly secret: string };
  /** Frames of each type so far. */
  readonly count: Partial<Record<ServerFrame["type"], number>>;
  /** Of the last `Paused`. */
  readonly retryAfter: number;
  readonly closed: boolean;
  say(...frames: ClientFrame[]): void;
  /** Resolves when something has come, or the connection has ended. */
  heard(): Promise<void>;
  end(): void;
}

export const subscription = (target: string, ref = 1) => ({ target, ref, settled: 0, sent: 0 });
export const message = (target: string, mid: number): ClientFrame => ({
  type: "TopicMessage",
  target,
  mid,
  id: idOf(1, mid),
  settled: mid - 1,
  messages: [{ ...said(1, mid) }],
});
export const hello = (more: object = {}): ClientFrame => ({
  type: "Hello",
  protocol: PROTOCOL_VERSION,
  slices: wiring.versions(),
  targets: [],
  ...more,
});

/** Resolves once its Hello is answered; undefined: it was turned away. */
export function rawClient(port: number, more: object = {}): Promise<RawClient | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ["calla.json"], { perMessageDeflate: false });
    let waiting: (() => void)[] = [];
    const wake = (): void => {
      const all = waiting;
      waiting = [];
      for (const go of all) go();
    };
    const client = {
      identity: { clientId: "", secret: "" },
      count: {} as Partial<Record<ServerFrame["type"], number>>,
      retryAfter: 0,
      closed: false,
      say: (...frames: ClientFrame[]) =>
        socket.send(JSON.stringify(frames.length === 1 ? frames[0] : frames)),
      heard: () =>
        new Promise<void>((go) => {
          if (client.closed) go();
          else waiting.push(go);
        }),
      end: () => socket.terminate(),
    };
    socket.on("open", () => client.say(hello(more)));
    socket.on("error", () => {});
    socket.on("close", () => {
      client.closed = true;
      wake();
      resolve(undefined);
    });
    socket.on("message", (data) => {
      const packet = JSON.parse(String(data as Buffer)) as ServerFrame | ServerFrame[];
      for (const frame of Array.isArray(packet) ? packet : [packet]) {
        client.count[frame.type] = (client.count[frame.type] ?? 0) + 1;
        if (frame.type === "Paused" || frame.type === "Unsubscribed")
          client.retryAfter = frame.retryAfter ?? 0;
        if (frame.type !== "Connected") continue;
        client.identity = { clientId: frame.clientId, secret: frame.secret ?? "" };
        resolve(client);
      }
      wake();
    });
  });
}
