// A connection of any socket library, wired in by three functions.
import type { Connection, WireFrame } from "../base/connection.ts";
import type { AnySocket, ConnectSocket } from "./channels-api.ts";
import type { ChannelConnection, ChannelsHost } from "./engine/host.ts";
import type { CloseReason, RequestRefusal } from "./engine/words.ts";
import { paramsOf } from "./wire/params.ts";

/** A peer that is not let in yet says no more. Over it: closed, 1009. */
const MOST_BEFORE = 65_536;

export function connectSocket(host: ChannelsHost, socket: AnySocket): ReturnType<ConnectSocket> {
  const { request } = socket;
  const params = paramsOf(request.url, {});
  const serialiser = params && host.serialiserFor(params["vsn"]);
  const close = (code: number, reason: string): void => {
    try {
      socket.close(code, reason);
    } catch (error) {
      host.report(error);
      // Its library will not tell its end, and a drain waits for that.
      wired?.disconnect();
    }
  };
  /** It is no use any more; those behind it in a broadcast hear all the same. */
  const broke = (error: unknown): void => {
    host.report(error);
    wired?.disconnect();
    close(1011, "transport");
  };
  const connection: Connection = {
    send(frame) {
      try {
        socket.send(dataOf(frame));
      } catch (error) {
        broke(error);
      }
    },
    close,
    bufferedAmount() {
      try {
        return socket.bufferedAmount?.() ?? 0;
      } catch (error) {
        broke(error);
        return 0;
      }
    },
  };
  const abort = new AbortController();
  let gone = false;
  let wired: ChannelConnection | undefined;
  let before: (string | Uint8Array)[] = [];
  let bytes = 0;
  /** Nothing more of it is kept. */
  const turnAway = (code: number, reason: CloseReason): void => {
    before = [];
    abort.abort();
    close(code, reason);
  };
  const refuse = (status: number, reason: RequestRefusal, why?: string): void => {
    host.refused({ status, reason, request, why });
    turnAway(1008, "refused");
  };
  if (params === undefined) refuse(400, "params");
  else if (serialiser === undefined) refuse(403, "vsn");
  else {
    const asked = {
      ...request,
      params,
      transport: "websocket" as const,
      vsn: String(params["vsn"] ?? "1.0.0"),
      authToken: request.authToken,
    };
    const decide = (admission: Awaited<ReturnType<ChannelsHost["admit"]>>): void => {
      if (abort.signal.aborted) return;
      if (!admission.accepted)
        return refuse(admission.status, host.stopping ? "stopping" : "connect", admission.why);
      wired = host.connect({ connection, admitted: admission, serialiser });
      // There was no room for it, and its library has told its end before the channels had it.
      if (gone) wired.disconnect();
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
      else turnAway(1009, "too-large");
    },
    disconnect() {
      gone = true;
      abort.abort();
      wired?.disconnect();
    },
  };
}

const TEXT = Symbol("text");
/** A frame that remembers its text: a broadcast is one frame for many sockets. */
interface TextFrame extends WireFrame {
  [TEXT]?: string;
}

const decoder = new TextDecoder();
function dataOf(frame: WireFrame): string | Uint8Array {
  if (!frame.text) return frame.bytes;
  return ((frame as TextFrame)[TEXT] ??= decoder.decode(frame.bytes));
}
