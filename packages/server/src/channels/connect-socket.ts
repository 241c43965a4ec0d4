// A connection of any socket library, wired in by three functions.
import type { Connection, WireFrame } from "../base/connection.ts";
import { contain } from "../base/contain.ts";
import type { AnySocket, ConnectSocket } from "./channels-api.ts";
import type { ChannelConnection, ChannelsHost } from "./engine/host.ts";
import { paramsOf } from "./wire/params.ts";

/** A peer that is not let in yet says no more. Over it: closed, 1009. */
const MOST_BEFORE = 65_536;

export function connectSocket(host: ChannelsHost, socket: AnySocket): ReturnType<ConnectSocket> {
  const { request } = socket;
  const params = paramsOf(request.url, {}) ?? {};
  const { vsn = "1.0.0" } = params;
  const serialiser = host.serialiserFor(params["vsn"]);
  const close = (code: number, reason: string): void =>
    contain(host.report, () => socket.close(code, reason));
  const connection: Connection = {
    send(frame) {
      try {
        socket.send(dataOf(frame));
      } catch (error) {
        // It is no use any more; those behind it in a broadcast hear all the same.
        host.report(error);
        wired?.disconnect();
        close(1011, "transport");
      }
    },
    close,
    bufferedAmount: () => socket.bufferedAmount?.() ?? 0,
  };
  const abort = new AbortController();
  let wired: ChannelConnection | undefined;
  let before: (string | Uint8Array)[] = [];
  let bytes = 0;
  const refuse = (): void => {
    before = [];
    close(1008, "refused");
  };
  if (serialiser === undefined) refuse();
  else {
    const asked = {
      ...request,
      params,
      transport: "websocket" as const,
      vsn: String(vsn),
      authToken: request.authToken,
    };
    const decide = (admission: Awaited<ReturnType<ChannelsHost["admit"]>>): void => {
      if (abort.signal.aborted) return;
      if (!admission.accepted) return refuse();
      wired = host.connect({ connection, admitted: admission, serialiser });
      for (const data of before.splice(0)) void wired.incoming(data);
    };
    const admission = host.admit(asked, abort);
    if (admission instanceof Promise) void admission.then(decide);
    else decide(admission);
  }
  return {
    incoming(data) {
      if (wired !== undefined) return void wired.incoming(data);
      if (abort.signal.aborted) return;
      bytes += data.length;
      if (bytes <= MOST_BEFORE) before.push(data);
      else close(1009, "too-large");
    },
    disconnect() {
      abort.abort();
      wired?.disconnect();
    },
  };
}

const decoder = new TextDecoder();
const dataOf = ({ bytes, text }: WireFrame): string | Uint8Array => (text ? decoder.decode(bytes) : bytes);
