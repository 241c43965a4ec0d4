// Channels in the hand behind LongPoll: what is said to them is kept, a heartbeat and a join are answered, an `echo` is echoed.
import { DEFAULT_DECODE_LIMITS } from "@calla/shared";
import type { Connection } from "../src/base/connection.ts";
import type { Admission, Admitted, ChannelsHost, PhoenixRequest } from "../src/channels/engine/host.ts";
import { longPoll } from "../src/channels/transports/longpoll/longpoll.ts";
import { mountOf } from "../src/channels/transports/mount.ts";
import type { PhoenixOptions } from "../src/channels/transports/mount.ts";
import type { ClientMessage, Json } from "../src/channels/wire/message.ts";
import { MalformedFrame } from "../src/channels/wire/serialiser.ts";
import { serialiserFor } from "../src/channels/wire/vsn.ts";
import type { ChannelSerialiser } from "../src/channels/wire/serialiser.ts";
import { handClock } from "./wired.ts";

/** One session as the channels see it. */
export class StubSocket {
  readonly said: ClientMessage[] = [];
  readonly ends: { readonly code: number | undefined; readonly why: string | undefined }[] = [];
  readonly received: { readonly bytes: number; readonly unfinished: number }[] = [];
  drains = 0;
  readonly connection: Connection;
  readonly admitted: Admitted;
  readonly serialiser: ChannelSerialiser;

  constructor(connection: Connection, admitted: Admitted, serialiser: ChannelSerialiser) {
    this.connection = connection;
    this.admitted = admitted;
    this.serialiser = serialiser;
  }

  push(event: string, payload: { readonly [key: string]: Json }, joinRef: Json = "1"): void {
    this.connection.send(this.serialiser.push({ joinRef, ref: null, topic: "t", event, payload }));
  }
}

export interface Polled {
  readonly options?: PhoenixOptions;
  readonly host?: Partial<ChannelsHost>;
}

export interface Asked {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly query?: string;
}

export interface Answer {
  readonly http: number;
  readonly headers: Headers;
  readonly text: string;
  /** What the body says, where it is JSON. */
  readonly status: number | undefined;
  readonly token: string;
  readonly messages: readonly string[];
}

export const NDJSON = { "content-type": "application/x-ndjson" };

/** A transport over such channels, asked by web requests, with the time in the hand. */
export function polled({ options = {}, host: more = {} }: Polled = {}) {
  const hand = handClock();
  const sockets: StubSocket[] = [];
  const errors: unknown[] = [];
  const refused: { readonly status: number; readonly reason: string; readonly why?: string | undefined }[] =
    [];
  const asked: PhoenixRequest[] = [];
  let count = 0;
  const host: ChannelsHost = {
    originsOf: "createChannels",
    admit(request): Admission {
      asked.push(request);
      return { accepted: true, request, assigns: {}, id: undefined };
    },
    connect({ connection, admitted, serialiser }) {
      const socket = new StubSocket(connection, admitted, serialiser);
      sockets.push(socket);
      return {
        incoming: (data) => hear(socket, data),
        received: (bytes, unfinished) => void socket.received.push({ bytes, unfinished }),
        disconnect: (code, why) => void socket.ends.push({ code, why }),
        drained: () => void socket.drains++,
      };
    },
    serialiserFor,
    broadcast: () => undefined,
    allowsOrigin: () => true,
    hostRefusal: () => undefined,
    strictPhoenix: false,
    rawBinary: false,
    clock: hand.clock,
    random: { uint32: () => (count = (Math.imul(count, 1_664_525) + 1_013_904_223) >>> 0) },
    limits: { maxFrameBytes: 1_048_576 },
    jsonLimits: DEFAULT_DECODE_LIMITS,
    addressOf: ({ remoteAddress }) => remoteAddress,
    refuse: () => undefined,
    secret: Buffer.from("the key of these channels, 32 bytes"),
    node: "node-1",
    report: (error) => void errors.push(error),
    refused: ({ status, reason, why }) => void refused.push({ status, reason, why }),
    stopping: false,
    ...more,
  };
  const transport = longPoll(host, mountOf(host, options));

  const ask = async (
    method: string,
    { token, headers, body, signal, query = "" }: Asked = {},
  ): Promise<Answer> => {
    const url = `http://host/socket/longpoll?vsn=2.0.0${query}${token === undefined ? "" : `&token=${token}`}`;
    const request = new Request(url, {
      method,
      ...(headers && { headers }),
      ...(body !== undefined && { body: body as BodyInit, duplex: "half" }),
      ...(signal && { signal }),
    });
    const response = await transport.fetch(request, "10.0.0.1");
    if (response === undefined) throw new Error("not taken");
    const text = await response.text();
    const said = text === "" ? {} : (JSON.parse(text) as Partial<Answer>);
    return {
      http: response.status,
      headers: response.headers,
      text,
      status: said.status,
      token: said.token ?? "",
      messages: said.messages ?? [],
    };
  };
  const get = (given?: Asked) => ask("GET", given);
  const post = (
    token: string | undefined,
    body: string,
    headers: Readonly<Record<string, string>> = NDJSON,
  ) => ask("POST", { token, body, headers });
  /** A session, and the channels' side of it. */
  const begin = async (given: Asked = {}) => {
    const { token } = await get(given);
    return { token, socket: sockets.at(-1)! };
  };
  return { ...hand, host, transport, sockets, errors, refused, asked, ask, get, post, begin };
}

function hear(socket: StubSocket, data: string | Uint8Array): void {
  let message: ClientMessage;
  try {
    message = socket.serialiser.decode(data);
  } catch (error) {
    if (!(error instanceof MalformedFrame)) throw error;
    socket.connection.close(error.code, error.what);
    return;
  }
  socket.said.push(message);
  const { joinRef, ref, topic, event, payload } = message;
  if (event === "heartbeat" || event === "echo" || event === "phx_join")
    socket.connection.send(
      socket.serialiser.reply({
        joinRef,
        ref,
        topic,
        status: "ok",
        response: event === "echo" ? payload : {},
      }),
    );
  if (event === "end") socket.connection.close(1012, "draining");
}
