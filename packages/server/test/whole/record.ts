// What the channels took in and said, connection by connection, and the rules CW1 to CW12 that are looked at as it happens.
// It keeps its own idea of who is joined: from the answer to a join to the channel's `terminate`.
import type { WireFrame } from "../../src/base/connection.ts";
import type { Json, StopReason } from "../../src/channels/index.ts";
import type { ClientMessage } from "../../src/channels/wire/message.ts";

/** A frame as a client reads it. `joinRef` is undefined over V1, which does not say it. */
export interface Said {
  readonly joinRef: Json | undefined;
  readonly ref: Json;
  readonly topic: string;
  readonly event: string;
  readonly payload: { readonly [key: string]: Json } & {
    readonly response?: { readonly [key: string]: Json };
  };
}

export class BrokenRule extends Error {}

/** One channel that the app has accepted. */
export interface ChannelRecord {
  readonly ch: number;
  readonly topic: string;
  readonly joinRef: Json;
  readonly socket: SocketRecord;
  /** Its client was told. */
  joined: boolean;
  ended: StopReason | undefined;
  endedAt: number;
  /** What may have ended it. */
  readonly causes: Set<string>;
  /** A handler of it is at work. */
  working: boolean;
}

export class SocketRecord {
  readonly name: string;
  readonly node: number;
  readonly vsn: "1.0.0" | "2.0.0";
  /** Its own id, as its channels say it. */
  id: string | undefined;
  readonly received: ClientMessage[] = [];
  readonly said: Said[] = [];
  readonly texts: string[] = [];
  readonly closes: number[] = [];
  readonly causes = new Set<string>();
  /** Received and not handled yet, by topic, in order. */
  readonly queued = new Map<string, number[]>();
  readonly channels = new Map<string, ChannelRecord>();
  over = false;
  /** It says and hears bytes. */
  readonly binary: boolean;

  constructor(name: string, node: number, vsn: "1.0.0" | "2.0.0", binary: boolean) {
    this.name = name;
    this.node = node;
    this.vsn = vsn;
    this.binary = binary;
  }
}

const text = new TextDecoder();

const whyOf = (reason: StopReason): string => {
  if (reason.type === "normal") return reason.why === "left" ? "left" : "stopped by itself";
  return reason.type === "shutdown" ? reason.why : reason.type;
};

function readFrame(frame: WireFrame, vsn: string): Said {
  if (!frame.text) {
    const bytes = frame.bytes;
    const many = [3, 4, 2][bytes[0]!]!;
    let at = 1 + many;
    const fields = Array.from(bytes.subarray(1, at), (length) =>
      text.decode(bytes.subarray(at, (at += length))),
    );
    const payload = JSON.parse(text.decode(bytes.subarray(at))) as Said["payload"];
    if (bytes[0] === 0)
      return { joinRef: fields[0]!, ref: null, topic: fields[1]!, event: fields[2]!, payload };
    if (bytes[0] === 2) return { joinRef: null, ref: null, topic: fields[0]!, event: fields[1]!, payload };
    const [joinRef, ref, topic, status] = fields as [string, string, string, string];
    return { joinRef, ref, topic, event: "phx_reply", payload: { status, response: payload } as never };
  }
  const said = JSON.parse(text.decode(frame.bytes)) as unknown;
  if (vsn === "1.0.0") return { joinRef: undefined, ...(said as Omit<Said, "joinRef">) };
  const [joinRef, ref, topic, event, payload] = said as [Json, Json, string, string, Said["payload"]];
  return { joinRef, ref, topic, event, payload };
}

export class Recorder {
  readonly sockets: SocketRecord[] = [];
  readonly channels: ChannelRecord[] = [];
  /** Answers that are owed: by message, the channel and when its handler gave it. */
  readonly owed: { readonly m: number; readonly channel: ChannelRecord; readonly at: number }[] = [];
  readonly handled = new Map<number, number>();
  /** Whom `disconnect` has named. */
  readonly disconnected = new Set<string>();
  readonly met = new Map<string, number>();
  step = 0;
  /** The first rule that was broken. */
  first: BrokenRule | undefined;
  #broadcasts = 0;
  readonly #numbers = new Map<string, number>();
  /** Broadcasts that were heard, by broadcast and channel. */
  readonly #heard = new Map<string, number>();
  readonly #last = new Map<string, number>();
  /** Made while another on their topic goes out: they go out behind it. */
  readonly #underway: { readonly topic: string; readonly node: number; readonly behind: (() => void)[] }[] =
    [];

  broken(rule: string, what: string): never {
    // Where the app's code is called, the engine contains what it throws.
    throw (this.first ??= new BrokenRule(`${rule}: ${what} (step ${this.step})`));
  }

  /** The number of a broadcast, and its number among its sender's. */
  numbered(by: string): { readonly b: number; readonly n: number } {
    const n = (this.#numbers.get(by) ?? 0) + 1;
    this.#numbers.set(by, n);
    return { b: ++this.#broadcasts, n };
  }

  meet(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  received(socket: SocketRecord, message: ClientMessage): void {
    socket.received.push(message);
    const topic = String(message.topic);
    const m = (message.payload as { m?: number }).m;
    if (m === undefined) return;
    const queued = socket.queued.get(topic) ?? [];
    socket.queued.set(topic, queued);
    queued.push(m);
  }

  sent(socket: SocketRecord, frame: WireFrame): void {
    const said = readFrame(frame, socket.vsn);
    this.meet(said.event);
    if (socket.over) this.broken("CW7", `${socket.name} is told ${said.event} behind its end`);
    socket.said.push(said);
    socket.texts.push(text.decode(frame.bytes));
    const { payload, topic, event } = said;
    const ch = payload.response?.["ch"] ?? payload["ch"];
    if (ch !== undefined)
      this.#ofChannel(socket, said, this.channels[ch as number]!, payload.response?.["joined"]);
    if (payload["b"] !== undefined) this.#heardOn(socket, said, payload["b"] as number);
    else if (ch === undefined && event !== "phx_reply" && event !== "phx_close" && event !== "phx_error")
      this.broken("CW4", `${socket.name} is told ${event} on ${topic} by nobody`);
  }

  #ofChannel(socket: SocketRecord, said: Said, channel: ChannelRecord, joined: Json | undefined): void {
    const { topic, joinRef } = said;
    if (channel.socket !== socket || channel.topic !== topic)
      this.broken("CW4", `${channel.ch} speaks elsewhere`);
    if (joinRef !== undefined && joinRef !== channel.joinRef)
      this.broken("CW7", `${channel.ch} speaks with ${JSON.stringify(joinRef)}`);
    if (joined === true) {
      if (channel.joined) this.broken("CW1", `the join of ${channel.ch} is answered twice`);
      channel.joined = true;
      socket.channels.set(topic, channel);
      return;
    }
    if (!channel.joined) this.broken("CW1", `${channel.ch} speaks before its join is answered`);
    if (channel.ended !== undefined) this.broken("CW7", `${channel.ch} speaks behind its end`);
  }

  #heardOn(socket: SocketRecord, said: Said, b: number): void {
    const channel = socket.channels.get(said.topic);
    if (channel === undefined)
      this.broken("CW4", `${socket.name} hears ${b} on ${said.topic}, where it is not joined`);
    const key = `${b} ${channel.ch}`;
    this.#heard.set(key, (this.#heard.get(key) ?? 0) + 1);
    const by = `${channel.ch} ${String(said.payload["by"])}`;
    const n = said.payload["n"] as number;
    if (n < (this.#last.get(by) ?? 0)) this.broken("CW5", `${channel.ch} hears ${n} of ${by} late`);
    this.#last.set(by, n);
  }

  /** All that are joined on a node. */
  on(node: number, topic: string): ChannelRecord[] {
    return this.sockets
      .filter((one) => one.node === node && !one.over)
      .flatMap((one) => one.channels.get(topic) ?? []);
  }

  /**
   * A broadcast goes out on one node: each who is joined and lives hears it once, and nobody else. `kept`: whose handleOut
   * keeps it from them.
   */
  fanOut(
    told: {
      readonly node: number;
      readonly topic: string;
      readonly b: number;
      readonly from?: string | undefined;
    },
    kept: (channel: ChannelRecord) => boolean,
    tell: () => void,
  ): void {
    const { node, topic, b, from } = told;
    const before = new Map<ChannelRecord, number>();
    const under = this.#underway.find((one) => one.topic === topic && one.node === node);
    const times = (channel: ChannelRecord): number => this.#heard.get(`${b} ${channel.ch}`) ?? 0;
    const look = (): void => {
      for (const [channel, heard] of before) {
        const more = times(channel) - heard;
        const lives = channel.ended === undefined && !channel.socket.over;
        const should = channel.socket.id === from || kept(channel) ? 0 : 1;
        if (more > should) this.broken(should ? "CW5" : "CW6", `${channel.ch} hears ${b} ${more} times`);
        if (more < should && lives) this.broken("CW5", `${channel.ch} on ${topic} does not hear ${b}`);
      }
    };
    for (const channel of this.on(node, topic)) before.set(channel, times(channel));
    if (under !== undefined) {
      this.meet("a broadcast in the midst of another");
      tell();
      under.behind.push(look);
      return;
    }
    const mine = { topic, node, behind: [] as (() => void)[] };
    this.#underway.push(mine);
    try {
      tell();
    } finally {
      this.#underway.splice(this.#underway.indexOf(mine), 1);
    }
    look();
    for (const one of mine.behind) one();
  }

  opened(socket: SocketRecord, topic: string, joinRef: Json): ChannelRecord {
    const channel: ChannelRecord = {
      ch: this.channels.length,
      topic,
      joinRef,
      socket,
      joined: false,
      ended: undefined,
      endedAt: -1,
      causes: new Set(),
      working: false,
    };
    this.channels.push(channel);
    return channel;
  }

  /** A handler begins with a message. */
  begins(channel: ChannelRecord, m: number): void {
    if (channel.ended !== undefined) this.broken("CW7", `${channel.ch} handles ${m} behind its end`);
    if (channel.working) this.broken("CW3", `${channel.ch} handles ${m} while another is at work`);
    const queued = channel.socket.queued.get(channel.topic) ?? [];
    const at = queued.indexOf(m);
    if (at === -1) this.broken("CW3", `${channel.ch} handles ${m} out of its order, or once more`);
    queued.splice(0, at + 1);
    channel.working = true;
    this.handled.set(m, (this.handled.get(m) ?? 0) + 1);
  }

  ended(channel: ChannelRecord, reason: StopReason): void {
    const why = whyOf(reason);
    this.meet(`ended: ${why}`);
    if (channel.ended !== undefined) this.broken("CW8", `${channel.ch} is terminated twice`);
    if (!channel.causes.has(why) && !channel.socket.causes.has(why) && !this.#didSo(channel, why))
      this.broken(
        "CW8",
        `${channel.ch} is terminated as ${why}, and was not${reason.type === "error" ? `: ${String(reason.error)}` : ""}`,
      );
    channel.ended = reason;
    channel.endedAt = this.step;
    if (channel.socket.channels.get(channel.topic) === channel) channel.socket.channels.delete(channel.topic);
  }

  /** Whether its client, or who disconnects him, did what it is said to have ended of. */
  #didSo({ socket, topic, joinRef }: ChannelRecord, why: string): boolean {
    if (why === "disconnected") return this.disconnected.has(socket.name);
    const event = why === "left" ? "phx_leave" : why === "duplicate-join" ? "phx_join" : undefined;
    const its = socket.received.filter((one) => one.topic === topic);
    const join = its.findIndex((one) => one.event === "phx_join" && one.joinRef === joinRef);
    return its.slice(join + 1).some((one) => one.event === event);
  }

  closed(socket: SocketRecord, code: number): void {
    this.meet(`closed: ${code}`);
    socket.closes.push(code);
    if (![1001, 1012, 1013].includes(code)) this.broken("CW10", `${socket.name} is closed with ${code}`);
  }

  /** Nothing more is under way: what was owed has been said. */
  settled(): void {
    for (const socket of this.sockets) {
      const joins = socket.received.filter(({ event }) => event === "phx_join");
      for (const { ref, topic, joinRef } of joins) {
        const times = joins.filter((one) => one.ref === ref).length;
        const answers = this.#answers(socket, ref);
        // Who leaves a join that is being decided waits for no answer to it (JN32).
        const left = socket.received.some(
          (one) => one.event === "phx_leave" && one.topic === topic && one.joinRef === joinRef,
        );
        if (answers > times || (answers < times && !socket.over && !left))
          this.broken("CW1", `${socket.name} has ${answers} answers to ${times} joins ${String(ref)}`);
      }
      for (const { ref, event, payload } of socket.received) {
        if (event !== "do") continue;
        const { m } = payload as { m: number };
        const times = socket.received.filter((one) => one.ref === ref).length;
        if (this.#answers(socket, ref) > times)
          this.broken("CW2", `${m} is answered more than ${times} times`);
      }
    }
    for (const { m, channel, at } of this.owed) {
      const { socket } = channel;
      if (channel.ended !== undefined && channel.endedAt <= at) continue;
      if (this.#answers(socket, `m${m}`) === 0 && !(socket.over && channel.endedAt <= at + 1))
        this.broken("CW2", `${m} is not answered`);
    }
    for (const channel of this.channels) {
      if (channel.ended !== undefined || !channel.joined) continue;
      const queued = channel.socket.queued.get(channel.topic) ?? [];
      const its = channel.socket.received.filter(({ topic }) => topic === channel.topic);
      // What was said by the same join_ref before is another channel's.
      const join = its.findLastIndex(({ event }) => event === "phx_join");
      const mine = new Set(
        its
          .slice(join)
          .filter(({ joinRef }) => joinRef === channel.joinRef)
          .map(({ payload }) => (payload as { m?: number }).m),
      );
      // A POST that comes twice says all of it twice.
      const left = queued.filter((m) => mine.has(m) && !this.handled.has(m));
      if (left.length > 0) this.broken("CW3", `${channel.ch} does not handle ${left.join(", ")}`);
    }
  }

  #answers(socket: SocketRecord, ref: Json): number {
    return socket.said.filter(({ event, ref: to }) => event === "phx_reply" && to === ref).length;
  }
}
