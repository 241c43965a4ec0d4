// The app of the simulation: one channel that does what its clients' payloads say, and tells the recorder of it.
import { defineChannel, joined, refused, reply, stop } from "../../src/channels/index.ts";
import type { Channels, ChannelSocket, Json, JsonObject } from "../../src/channels/index.ts";
import type { ChannelRecord, Recorder } from "./record.ts";

export class Boom extends Error {}

export interface App {
  readonly recorder: Recorder;
  readonly node: number;
  readonly channels: () => Channels;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Whose rights are gone. */
  readonly banned: Set<string>;
}

/** What a handler does, one after the other. */
export type Act =
  | "push"
  | "all"
  | "odd"
  | "fragile"
  | "others"
  | "info"
  | "disconnect"
  | "throw"
  | "stop"
  | "shutdown"
  | "fail"
  | "reply"
  | "keep"
  | "answer"
  | { readonly sleep: number };

const bytesOf = (said: JsonObject): Uint8Array => new TextEncoder().encode(JSON.stringify(said));

/** Whether `handleOut` keeps a broadcast from a channel, or does not get over it. */
export const keeps = (event: string, b: number) => (channel: ChannelRecord) =>
  event === "odd" && (b + channel.ch) % 3 === 0;

/** Says something to all on a topic of one node, in a sender's order. */
export function tell(
  app: App,
  said: {
    readonly topic: string;
    readonly event: string;
    readonly by: string;
    readonly from?: string | undefined;
  },
  send: (payload: JsonObject) => void,
): void {
  const { topic, event, by, from } = said;
  const { b, n } = app.recorder.numbered(by);
  app.recorder.fanOut({ node: app.node, topic, b, from }, keeps(event, b), () =>
    send({ b, n, by, event, ...(from === undefined ? {} : { from }) }),
  );
}

export function room(app: App) {
  const { recorder } = app;
  const mine = (socket: ChannelSocket): ChannelRecord =>
    recorder.channels[(socket.assigns as { ch: number }).ch]!;
  const say = (socket: ChannelSocket, event: string, from?: string): void =>
    tell(app, { topic: socket.topic, event, by: `${socket.socketId} ${socket.topic}`, from }, (payload) =>
      from === undefined ? socket.broadcast(event, payload) : socket.broadcastFrom(event, payload),
    );
  const kept = new Map<number, { readonly m: number; readonly ref: ChannelSocket["ref"] }[]>();

  /** Gives what the handler returns. */
  function act(socket: ChannelSocket, m: number, one: Exclude<Act, { sleep: number }>): unknown {
    const channel = mine(socket);
    switch (one) {
      case "push":
        return void socket.push(
          "pushed",
          channel.socket.binary ? bytesOf({ ch: channel.ch }) : { ch: channel.ch },
        );
      case "all":
      case "odd":
      case "fragile":
        return void say(socket, one);
      case "others":
        return void say(socket, "all", socket.socketId);
      case "info":
        return app.channels().sendInfo(socket.socketId, socket.topic, { m });
      case "disconnect":
        recorder.disconnected.add(nameOf(socket));
        return app.channels().disconnect(nameOf(socket));
      case "throw":
        channel.causes.add("error");
        throw new Boom("a handler");
      case "stop":
        channel.causes.add("stopped by itself");
        return owes(channel, m, stop("normal", reply({ ch: channel.ch, m })));
      case "shutdown":
        channel.causes.add("stopped");
        return stop("shutdown");
      case "fail":
        channel.causes.add("error");
        return stop(new Boom("stopped"));
      case "reply":
        return owes(
          channel,
          m,
          reply(channel.socket.binary ? bytesOf({ ch: channel.ch, m }) : { ch: channel.ch, m }),
        );
      case "keep":
        kept.set(channel.ch, [...(kept.get(channel.ch) ?? []), { m, ref: socket.ref }]);
        return undefined;
      case "answer":
        for (const { m: to, ref } of kept.get(channel.ch) ?? [])
          socket.reply(ref, owes(channel, to, reply({ ch: channel.ch, m: to })));
        return void kept.delete(channel.ch);
    }
  }
  function owes<T>(channel: ChannelRecord, m: number, answer: T): T {
    if (channel.ended === undefined && !channel.socket.over)
      recorder.owed.push({ m, channel, at: recorder.step });
    return answer;
  }
  const nameOf = (socket: ChannelSocket): string => (socket.assigns as unknown as { name: string }).name;

  async function later(socket: ChannelSocket, m: number, acts: readonly Act[]): Promise<unknown> {
    for (const one of acts) {
      if (typeof one === "object") await app.sleep(one.sleep);
      else {
        const result = act(socket, m, one);
        if (result !== undefined) return result;
      }
    }
    return undefined;
  }
  function run(socket: ChannelSocket, m: number, acts: readonly Act[]): unknown {
    for (const [i, one] of acts.entries()) {
      if (typeof one === "object") return later(socket, m, acts.slice(i));
      const result = act(socket, m, one);
      if (result !== undefined) return result;
    }
    return undefined;
  }
  function handle(payload: Json, socket: ChannelSocket): unknown {
    const { m, acts } = payload as unknown as { readonly m: number; readonly acts: readonly Act[] };
    const channel = mine(socket);
    recorder.begins(channel, m);
    const done = (): void => void (channel.working = false);
    let result: unknown;
    try {
      result = run(socket, m, acts);
    } finally {
      if (!(result instanceof Promise)) done();
    }
    return result instanceof Promise ? result.finally(done) : result;
  }

  return defineChannel("room:*")
    .join(({ topic, payload, socket }) => {
      const { how, joinRef, takes, record } = payload as unknown as Joining;
      const accept = () => {
        const its = recorder.sockets[record]!;
        its.id = socket.id;
        const channel = recorder.opened(its, topic, joinRef);
        // It may come when nobody waits any more, or behind the time for it.
        if (how === "late") channel.causes.add("timeout");
        return joined({ ch: channel.ch }, { ch: channel.ch, joined: true });
      };
      const slowly = (milliseconds: number) => app.sleep(milliseconds).then(accept);
      switch (how) {
        case "slow":
          return slowly(takes % 3_000);
        case "late":
          return slowly(10_001 + (takes % 5_000));
        case "refuse":
          return refused("no");
        case "throw":
          throw new Boom("a join");
        case "reject":
          return app.sleep(takes % 1_000).then(() => {
            throw new Boom("a join");
          });
        case "disconnect":
          recorder.disconnected.add(recorder.sockets[record]!.name);
          app.channels().disconnect(recorder.sockets[record]!.name);
          return accept();
        default:
          return accept();
      }
    })
    .joined((socket) => {
      socket.push("hello", { ch: mine(socket).ch });
      return mine(socket).ch % 5 === 0 ? app.sleep(mine(socket).ch % 700) : undefined;
    })
    .handleIn("do", handle as never)
    .handleBinary("do", ((bytes: Uint8Array, socket: ChannelSocket) =>
      handle(JSON.parse(new TextDecoder().decode(bytes)) as Json, socket)) as never)
    .handleOut("odd", (payload, socket) => {
      const { ch } = mine(socket as ChannelSocket);
      const odd = (payload as { b: number }).b + ch;
      return odd % 3 === 0 ? undefined : odd % 3 === 1 ? { ...(payload as object), ch } : payload;
    })
    .handleOut("fragile", (payload, socket) => {
      const channel = mine(socket as ChannelSocket);
      if (((payload as { b: number }).b + channel.ch) % 4 > 0) return payload;
      channel.causes.add("error");
      throw new Boom("handleOut");
    })
    .handleInfo<{ m: number }>(({ m }, socket) => {
      socket.push("informed", { ch: mine(socket as ChannelSocket).ch });
      return m % 3 === 0 ? (app.sleep(m % 50) as never) : undefined;
    })
    .mayStay((socket) => {
      const its = socket as ChannelSocket;
      const may = !app.banned.has(nameOf(its));
      if (!may) mine(its).causes.add("rights");
      return mine(its).ch % 2 === 0 ? may : app.sleep(mine(its).ch % 90).then(() => may);
    })
    .terminate((reason, socket) => {
      const channel = mine(socket as ChannelSocket);
      recorder.ended(channel, reason);
      if (channel.ch % 2 === 0) say(socket as ChannelSocket, channel.ch % 4 === 0 ? "all" : "fragile");
      if (channel.ch % 7 === 0) throw new Boom("terminate");
    });
}

/** What a join says of itself. */
export interface Joining {
  readonly how: string;
  readonly joinRef: Json;
  /** Milliseconds, where it takes long. */
  readonly takes: number;
  /** Which of the recorder's sockets. */
  readonly record: number;
}
