// The world of the simulation: nodes over a pubsub that loses, delays and doubles, and clients that do whatever comes to
// their minds, over every kind of wire. Time and chance are in the hand.
import type { Random } from "@calla/shared";
import type { Connection } from "../../src/base/connection.ts";
import type { PubSub } from "../../src/cluster/pubsub.ts";
import { accept, createChannels } from "../../src/channels/index.ts";
import type { Channels, Json } from "../../src/channels/index.ts";
import { hostOf } from "../../src/channels/engine/hosts.ts";
import type { ChannelConnection, ChannelsHost } from "../../src/channels/engine/host.ts";
import { longPoll } from "../../src/channels/transports/longpoll/longpoll.ts";
import type { LongPoll } from "../../src/channels/transports/longpoll/longpoll.ts";
import type { ClientMessage } from "../../src/channels/wire/message.ts";
import { mountOf } from "../../src/channels/transports/mount.ts";
import { countingRandom, handClock } from "../wired.ts";
import { keeps, room } from "./app.ts";
import type { App } from "./app.ts";
import { Recorder, SocketRecord } from "./record.ts";

export const KINDS = ["v1", "v2", "binary", "poll"] as const;
export type Kind = (typeof KINDS)[number];
/** What may wait for the handlers of one connection. */
export const MOST_WAITING = 25;
const FULL = 100_000_000;

export interface Node {
  readonly channels: Channels;
  readonly host: ChannelsHost;
  readonly app: App;
  readonly polls: LongPoll;
  drained: boolean;
}

export interface Client {
  readonly kind: Kind;
  readonly record: SocketRecord;
  readonly at: number;
  /** The join_ref by which it knows a topic. */
  readonly joins: Map<string, string>;
  /** Frames until it takes nothing more in. */
  takes: number;
  say(messages: readonly ClientMessage[]): void;
  drop(): void;
}

type Opened = Parameters<ChannelsHost["connect"]>[0];

export class World {
  readonly hand = handClock();
  readonly recorder = new Recorder();
  readonly nodes: Node[] = [];
  readonly clients: Client[] = [];
  readonly errors: unknown[] = [];
  readonly banned = new Set<string>();
  readonly random: Random;
  readonly #lossy: boolean;
  readonly #listeners: Map<string, Set<(payload: unknown) => void>>[] = [];
  /** When the last of a channel arrives, by receiver. */
  readonly #arrives = new Map<string, number>();
  #opening:
    | { readonly kind: Kind; readonly done: (record: SocketRecord, wired: ChannelConnection) => void }
    | undefined;

  constructor(seed: number) {
    this.random = countingRandom(seed);
    for (let i = 0; i < 5; i++) this.random.uint32();
    this.#lossy = seed % 3 !== 0;
  }

  upTo(most: number): number {
    return Math.floor((this.random.uint32() / 2 ** 32) * most);
  }
  one<T>(of: readonly T[]): T {
    return of[this.upTo(of.length)]!;
  }
  sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void this.hand.clock.setTimeout(resolve, milliseconds));

  /** Who listens to topics, on all nodes. */
  get listening(): number {
    return this.#listeners
      .flatMap((one) => [...one])
      .reduce((sum, [channel, all]) => sum + (channel.startsWith("phoenix:") ? all.size : 0), 0);
  }

  addNode(): Node {
    const node = this.nodes.length;
    const { recorder, banned, sleep } = this;
    const app: App = { recorder, node, banned, sleep, channels: () => channels };
    const channels: Channels = createChannels({
      clock: this.hand.clock,
      random: this.random,
      pubsub: this.#pubsub(node),
      connect: ({ params }) => accept({ name: String(params["user"]) }, String(params["user"])),
      limits: {
        maxWaitingMessages: MOST_WAITING,
        messageRate: 1e9,
        joinRate: 1e9,
        channelRate: 1e9,
        maxChannelsPerSocket: 1_000,
      },
      onError: (error) => void this.errors.push(error),
    });
    channels.register(room(app) as never);
    const inner = hostOf(channels);
    const host = Object.create(inner, {
      connect: { value: (opened: Opened) => this.#wire(node, inner, opened) },
    }) as ChannelsHost;
    const made: Node = {
      channels,
      host: inner,
      app,
      polls: longPoll(host, mountOf(host, {})),
      drained: false,
    };
    this.nodes.push(made);
    return made;
  }

  #pubsub(node: number): PubSub {
    const mine = new Map<string, Set<(payload: unknown) => void>>();
    this.#listeners[node] = mine;
    return {
      publish: (channel, payload) => {
        const text = JSON.stringify(payload);
        for (let to = 0; to < this.nodes.length; to++) if (to !== node) this.#send(to, channel, text);
      },
      subscribe: (channel, listener) => {
        const all = mine.get(channel) ?? new Set();
        mine.set(channel, all.add(listener));
        return () => void (all.delete(listener) && all.size === 0 && mine.delete(channel));
      },
    };
  }

  #send(to: number, channel: string, text: string): void {
    const fate = this.#lossy ? this.upTo(100) : 50;
    if (fate < 12) return this.recorder.meet("pubsub: lost");
    const key = `${to} ${channel}`;
    const now = this.hand.clock.monotonic();
    const at = Math.max(this.#arrives.get(key) ?? 0, now + this.upTo(80));
    this.#arrives.set(key, at);
    const twice = fate >= 94;
    if (twice) this.recorder.meet("pubsub: twice");
    for (let i = 0; i < (twice ? 2 : 1); i++)
      this.hand.clock.setTimeout(() => this.#arrive(to, channel, text), at - now);
  }

  #arrive(node: number, channel: string, text: string): void {
    const all = [...(this.#listeners[node]!.get(channel) ?? [])];
    const payload = JSON.parse(text) as { from?: string; event: string; payload: { b: number } };
    const hear = (): void => {
      for (const listener of all) listener(payload);
    };
    if (!channel.startsWith("phoenix:")) return hear();
    const topic = channel.slice("phoenix:".length);
    const { b } = payload.payload;
    this.recorder.meet("pubsub: arrived");
    this.recorder.fanOut({ node, topic, b, from: payload.from }, keeps(payload.event, b), hear);
  }

  /** Wires a connection in, and writes down what goes in and out of it. */
  #wire(node: number, host: ChannelsHost, opened: Opened): ChannelConnection {
    const { recorder } = this;
    // A poll behind its session's end begins another, which nobody knows of and which falls silent.
    const { kind, done } = this.#opening ?? { kind: "poll", done: () => undefined };
    this.#opening = undefined;
    const { admitted, serialiser, connection } = opened;
    const record = new SocketRecord(
      String(admitted.request.params["user"]),
      node,
      kind === "v1" ? "1.0.0" : "2.0.0",
      kind === "binary",
    );
    recorder.sockets.push(record);
    const watched = Object.create(connection, {
      send: {
        value: (frame: Parameters<Connection["send"]>[0]) => {
          recorder.sent(record, frame);
          connection.send(frame);
        },
      },
      close: {
        value: (code: number, reason: string) => {
          recorder.closed(record, code);
          record.causes.add(code === 1012 ? "draining" : code === 1013 ? "closed" : "none");
          record.over = true;
          connection.close(code, reason);
        },
      },
      bufferedAmount: { value: () => connection.bufferedAmount() },
    }) as Connection;
    const wired = host.connect({ ...opened, connection: watched });
    const its: ChannelConnection = {
      incoming: (data) => {
        if (!record.over) {
          const message = serialiser.decode(data);
          const { payload } = message;
          recorder.received(
            record,
            payload instanceof Uint8Array
              ? { ...message, payload: JSON.parse(Buffer.from(payload).toString()) as Json }
              : message,
          );
        }
        return wired.incoming(data);
      },
      received: (bytes, unfinished) => wired.received(bytes, unfinished),
      disconnect: (code, why) => {
        record.causes.add(why === "inactive" ? why : "closed");
        record.over = true;
        wired.disconnect(code, why);
      },
      drained: () => wired.drained(),
    };
    done(record, its);
    return its;
  }

  async connect(kind: Kind, at: number, name: string): Promise<Client | undefined> {
    const { host, polls } = this.nodes[at]!;
    let record: SocketRecord | undefined;
    let wired: ChannelConnection | undefined;
    const done = (its: SocketRecord, connection: ChannelConnection): void => {
      record = its;
      wired = connection;
    };
    this.#opening = { kind, done };
    if (kind === "poll") {
      const client = await this.#polling(polls, at, name, () => record);
      if (client !== undefined) this.clients.push(client);
      return client;
    }
    const vsn = kind === "v1" ? "1.0.0" : "2.0.0";
    const request = {
      url: "/socket/websocket",
      headers: {},
      remoteAddress: undefined,
      params: { user: name },
      transport: "websocket" as const,
      vsn,
      authToken: undefined,
    };
    const admission = host.admit(request, new AbortController());
    if (admission instanceof Promise || !admission.accepted) return undefined;
    const answersIn = this.upTo(3) * 40;
    const gone = (): void => wired?.disconnect(1006);
    const connection: Connection = {
      send: () => void client.takes--,
      // Some answer a close in the same turn, and others late.
      close: () => (answersIn === 0 ? gone() : void this.hand.clock.setTimeout(gone, answersIn)),
      bufferedAmount: () => (client.takes < 0 ? FULL : 0),
    };
    const client: Client = {
      kind,
      at,
      joins: new Map(),
      takes: Infinity,
      get record() {
        return record!;
      },
      say: (messages) => {
        for (const message of messages) void wired!.incoming(frameOf(kind, message));
      },
      drop: gone,
    };
    this.#wire(at, host, { connection, admitted: admission, serialiser: host.serialiserFor(vsn)! });
    this.clients.push(client);
    return client;
  }

  /** A client that polls without a pause, loses answers and says POSTs twice. */
  async #polling(
    polls: LongPoll,
    at: number,
    name: string,
    wired: () => SocketRecord | undefined,
  ): Promise<Client | undefined> {
    const url = `http://host/socket/longpoll?vsn=2.0.0&user=${encodeURIComponent(name)}`;
    const first = polls.fetch(new Request(url));
    await this.hand.settle();
    const record = wired();
    if (record === undefined) return undefined;
    const { token } = (await (await first)!.json()) as { token: string };
    let polling = true;
    const arrived: string[] = [];
    const ask = (): void => {
      void polls
        .fetch(new Request(`${url}&token=${token}`))
        .then(async (answer) => {
          const { status, messages = [] } = (await answer!.json()) as { status: number; messages?: string[] };
          if (this.upTo(12) === 0) this.recorder.meet("poll: an answer lost");
          else arrived.push(...messages);
          let next = 0;
          for (const text of arrived) {
            next = record.texts.indexOf(text, next) + 1;
            if (next === 0) this.recorder.broken("CW9", `${record.name} polls ${text} out of order or twice`);
          }
          if (status !== 410 && polling && !record.over) ask();
        })
        .catch((error: unknown) => void this.errors.push(error));
    };
    ask();
    let posting: Promise<unknown> = Promise.resolve();
    const post = async (body: string): Promise<void> => {
      const headers = { "content-type": "application/x-ndjson" };
      const times = this.upTo(8) === 0 ? 2 : 1;
      if (times === 2) this.recorder.meet("poll: a POST twice");
      for (let i = 0; i < times; i++)
        await polls.fetch(new Request(`${url}&token=${token}`, { method: "POST", body, headers }));
    };
    return {
      kind: "poll",
      at,
      record,
      joins: new Map(),
      takes: Infinity,
      say: (messages) => {
        const body = messages.map((message) => frameOf("poll", message) as string).join("\n");
        posting = posting.then(() => post(body));
      },
      drop: () => void (polling = false),
    };
  }
}

function frameOf(kind: Kind, { joinRef, ref, topic, event, payload }: ClientMessage): string | Uint8Array {
  if (kind === "v1") return JSON.stringify({ join_ref: joinRef, ref, topic, event, payload });
  if (kind !== "binary" || event !== "do" || typeof joinRef !== "string")
    return JSON.stringify([joinRef, ref, topic, event, payload]);
  const fields = [joinRef, ref, topic, event].map((field) => Buffer.from(String(field)));
  return Buffer.concat([
    Buffer.from([0, ...fields.map(({ length }) => length)]),
    ...fields,
    Buffer.from(JSON.stringify(payload)),
  ]);
}
