// How each system says the same: how one joins a topic, dispatches, hears an outcome, and which of its frames are the
// shared ones that every subscriber gets byte for byte alike.
import { authorTag, PROTOCOL_VERSION } from "@calla/shared";
import type { ServerFrame, ServerFrames, Subscription } from "@calla/shared";
import { idOf, serialiser, spoken, spokenBy, wiring } from "./fixtures.ts";
import type { Spoken } from "./fixtures.ts";
import type { Talker } from "./talker.ts";

/**
 * `calla-client` is Calla with its own client in place of the lean one, where one client is enough work. `calla-http` and
 * `sse` speak HTTP and server-sent events, `calla-packets` as Calla's own client does it: what waits goes in one POST.
 * Of `ws`, `-batched` joins what happens in a turn into one frame, `-corked` writes its frames at once, `-once` encodes
 * its state once, `-records` sends those who come back what they missed. `calla-phoenix` are Calla's channels over
 * WebSocket, `calla-long-poll` over LongPoll, where `long-poll` is the loop that one writes by hand.
 */
export const SYSTEMS = [
  "ws",
  "ws-batched",
  "ws-corked",
  "ws-once",
  "ws-records",
  "socket.io",
  "sse",
  "calla",
  "calla-msgpack",
  "calla-http",
  "calla-packets",
  "calla-client",
  "calla-phoenix",
  "long-poll",
  "calla-long-poll",
  "tldraw",
  "hocuspocus",
] as const;
export type System = (typeof SYSTEMS)[number];
/** Those whose own clients alone speak their protocol. */
type ByOwnClient = "tldraw" | "hocuspocus";

/** What is heard of a frame that is one peer's own. */
export interface Heard {
  joined(): void;
  /** The outcome of the peer's `n`th message. */
  decided(n: number): void;
  wrong(why: string): never;
}

/** What a shared frame says. Read once for all subscribers. */
export interface SharedFrame {
  readonly messages: readonly Spoken[];
  /** Whether it is its authors' outcome too. */
  readonly decides: boolean;
}

/** Where somebody stood who comes back. */
export interface Stood {
  readonly name: string;
  readonly secret: string;
  readonly sequence: number;
  readonly mark: number;
}

type Packets = readonly (string | Uint8Array)[];

export interface Dialect {
  /** The bundle that serves it, and its arguments. */
  readonly server: readonly [file: string, ...args: string[]];
  readonly path: string;
  readonly protocol: string | undefined;
  /** What its clients hear by, where that is no WebSocket; then they say by POST. */
  readonly hears?: "streams" | "polls";
  /** First words. */
  opening(peer: Talker, topic: string, follow: boolean, stood?: Stood): Packets;
  /** The peer's messages from `n` on, in as many packets as its client would make. */
  dispatch(peer: Talker, topic: string, n: number, count: number): Packets;
  shared(bytes: Buffer, start: number): boolean;
  personal(peer: Talker, topic: string, follow: boolean, packet: Buffer, heard: Heard): void;
  read(packet: Buffer, stream: Stream, heard: Pick<Heard, "wrong">): SharedFrame;
}

/** What the reader of a topic's shared frames remembers from one to the next. */
export interface Stream {
  readonly topic: string;
  readonly peers: ReadonlyMap<number, Talker>;
  sequence: number;
  mark: number;
}

const range = <T>(from: number, count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(from + i));
const byte = (character: string): number => character.charCodeAt(0);

const plainDispatch = (peer: Talker, topic: string, n: number, count: number): readonly string[] =>
  range(n, count, (id) => JSON.stringify({ topic, id, message: spoken(topic, peer.number, id) }));

const ws: Dialect = {
  server: ["server-ws"],
  path: "/",
  protocol: undefined,
  opening: (_peer, topic, follow, stood) =>
    follow ? [JSON.stringify({ join: topic, ...(stood && { after: stood.sequence }) })] : [],
  dispatch: plainDispatch,
  shared: (bytes, start) => bytes[start + 2] === byte("t"), // {"topic":…
  personal(peer, topic, _follow, packet, heard) {
    const frame = JSON.parse(packet.toString()) as { joined?: string; ack?: number; acks?: number[] };
    if (frame.joined === topic) return heard.joined();
    if (frame.ack !== undefined) return heard.decided(frame.ack);
    for (const id of frame.acks ?? heard.wrong(`${peer.number} got ${packet}`)) heard.decided(id);
  },
  read(packet, { topic }, { wrong }) {
    const frame = JSON.parse(packet.toString()) as { topic: string; message?: unknown; messages?: unknown[] };
    if (frame.topic !== topic) wrong(`a frame of ${frame.topic} in ${topic}`);
    return { messages: (frame.messages ?? [frame.message]).map(spokenBy), decides: false };
  },
};

const socketIo: Dialect = {
  server: ["server-socket-io"],
  path: "/socket.io/?EIO=4&transport=websocket",
  protocol: undefined,
  opening: () => [],
  dispatch: (peer, topic, n, count) =>
    range(n, count, (id) => `42${id}${JSON.stringify(["dispatch", topic, spoken(topic, peer.number, id)])}`),
  shared: (bytes, start) => bytes[start] === byte("4") && bytes[start + 1] === byte("2"),
  personal(peer, topic, follow, packet, heard) {
    const text = packet.toString();
    if (text.startsWith("0")) return peer.send(["40"]);
    if (text === "2") return peer.send(["3"]);
    if (text.startsWith("40")) return follow ? peer.send([`420["join","${topic}"]`]) : heard.joined();
    if (text === "430[]") return heard.joined();
    if (!text.startsWith("43")) heard.wrong(`${peer.number} got ${text}`);
    heard.decided(Number.parseInt(text.slice(2), 10));
  },
  read(packet, _stream, { wrong }) {
    const [event, message] = JSON.parse(packet.toString("utf8", 2)) as [string, unknown];
    if (event !== "said") wrong(`an event ${event}`);
    return { messages: [spokenBy(message)], decides: false };
  },
};

/** The ref by which everybody joins; their messages have their numbers. */
const JOIN = "0";
/** Phoenix' channels in V2 text. Only who has joined can say something, so who does not follow joins too, and says so. */
const phoenix: Dialect = {
  server: ["server-phoenix"],
  path: "/socket/websocket?vsn=2.0.0",
  protocol: undefined,
  opening: (_peer, topic, follow) => [JSON.stringify([JOIN, JOIN, topic, "phx_join", { follow }])],
  dispatch: (peer, topic, n, count) =>
    range(n, count, (id) =>
      JSON.stringify([JOIN, String(id), topic, "said", spoken(topic, peer.number, id)]),
    ),
  shared: (bytes, start) => bytes[start + 1] === byte("n") && bytes[start + 6] === byte("n"), // [null,null,…
  personal(peer, topic, _follow, packet, heard) {
    const [joinRef, ref, of, event, { status }] = JSON.parse(packet.toString()) as PhoenixFrame;
    if (joinRef !== JOIN || of !== topic || event !== "phx_reply" || status !== "ok")
      heard.wrong(`${peer.number} got ${packet}`);
    if (ref === JOIN) heard.joined();
    else heard.decided(Number(ref));
  },
  read(packet, { topic }, { wrong }) {
    const [, , of, event, message] = JSON.parse(packet.toString()) as PhoenixFrame;
    if (of !== topic || event !== "said") wrong(`an event ${event} of ${of} in ${topic}`);
    return { messages: [spokenBy(message)], decides: false };
  },
};
type PhoenixFrame = readonly [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: { readonly status?: string },
];
const polls = { path: "/socket/longpoll?vsn=2.0.0", hears: "polls" } as const;

/** Calla in one of its formats. Over HTTP each packet of messages begins with who speaks, as its client does it. */
function calla(name: "json" | "messagepack", http?: true): Dialect {
  const format = serialiser.formats.find((one) => one.name === name)!;
  const said = (packet: Buffer): ServerFrame =>
    format.decode(format.binary ? packet : packet.toString()) as ServerFrame;
  const hello = (
    number: number,
    targets: readonly Subscription[],
    identity?: { clientId: string; secret: string },
  ) => ({
    type: "Hello",
    protocol: PROTOCOL_VERSION,
    token: number,
    slices: wiring.versions(),
    targets,
    ...(identity && { identity }),
  });
  // {"type":"TopicUpdate"… or a small map, "type" and the name, each behind a byte for its length.
  const at = format.binary ? 7 : 9;
  return {
    server: ["server-calla"],
    path: http === undefined ? "/ws" : "/calla",
    protocol: `calla.${name}`,
    ...(http && { hears: "streams" }),
    opening(peer, target, follow, stood) {
      const { number } = peer;
      // Most who come back are given no other.
      peer.secret = stood?.secret ?? "";
      const cursor = stood && { sequence: stood.sequence, mark: stood.mark };
      const asked = { target, ref: 1, settled: 0, sent: 0, ...(cursor && { cursor }) };
      return [
        format.encode(
          hello(
            number,
            follow || http === undefined ? [asked] : [],
            stood && { clientId: stood.name, secret: stood.secret },
          ),
        ),
      ];
    },
    // What one turn dispatches leaves as one packet, an array of frames.
    dispatch(peer, target, n, count) {
      const frames = range(n, count, (mid) => ({
        type: "TopicMessage",
        target,
        mid,
        id: idOf(peer.number, mid),
        settled: peer.decided,
        messages: [spoken(target, peer.number, mid)],
      }));
      const { name: clientId, secret } = peer;
      if (http) return [format.encode([hello(peer.number, [], { clientId, secret }), ...frames])];
      return [format.encode(count === 1 ? frames[0] : frames)];
    },
    shared: (bytes, start) => bytes[start + at] === byte("T"), // TopicUpdate
    personal(peer, topic, follow, packet, heard) {
      const frame = said(packet);
      if (frame.type === "Connected") {
        peer.name = frame.clientId;
        peer.secret = frame.secret ?? peer.secret;
        if (http && !follow) heard.joined();
      } else if (frame.type === "Snapshot" && frame.target === topic && frame.sequence === 0) heard.joined();
      else if (frame.type === "Acknowledge" && http) {
        if (!follow) heard.decided(frame.mid); // whoever follows sees it in the stream
      } else if (frame.type !== "Settled" && frame.type !== "Pong")
        heard.wrong(`${peer.number} got ${JSON.stringify(frame)}`);
    },
    read(packet, stream, { wrong }) {
      const frame = said(packet) as ServerFrames["TopicUpdate"];
      const { topic, peers, sequence, mark } = stream;
      if (frame.target !== topic || frame.after !== sequence || frame.from !== mark)
        wrong(`an update of ${frame.target} after ${frame.after}, expected after ${sequence}`);
      const messages = frame.records.map(([, author, mid, id, [message]]) => {
        const { from, n } = spokenBy(message);
        const tag = frame.authors[author]?.[0];
        if (mid !== n || id !== idOf(from, n) || tag !== authorTag(peers.get(from)?.name ?? "", topic))
          wrong(`a record that is not its author's: ${JSON.stringify(message)}`);
        return { from, n };
      });
      stream.sequence += messages.length;
      stream.mark = frame.mark;
      return { messages, decides: true };
    },
  };
}

const json = calla("json");
const DIALECTS: Readonly<Record<Exclude<System, ByOwnClient>, Dialect>> = {
  ws,
  "ws-batched": { ...ws, server: ["server-ws", "batched"] },
  "ws-corked": { ...ws, server: ["server-ws", "corked"] },
  "ws-once": { ...ws, server: ["server-ws", "once"] },
  "ws-records": { ...ws, server: ["server-ws", "records"] },
  "socket.io": socketIo,
  sse: { ...ws, server: ["server-sse"], hears: "streams" },
  calla: json,
  "calla-msgpack": calla("messagepack"),
  "calla-http": calla("json", true),
  "calla-packets": calla("json", true),
  "calla-client": json,
  "calla-phoenix": phoenix,
  "long-poll": { ...phoenix, ...polls, server: ["server-long-poll"] },
  "calla-long-poll": { ...phoenix, ...polls },
};

export function dialectOf(system: System): Dialect {
  if (system === "tldraw" || system === "hocuspocus")
    throw new Error(`${system}'s protocol is spoken by its own client only`);
  return DIALECTS[system];
}
