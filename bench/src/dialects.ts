// How each system says the same: how one joins a topic, dispatches, hears an outcome, and which of its frames are the
// shared ones that every subscriber gets byte for byte alike.
import { authorTag, PROTOCOL_VERSION } from "@calla/shared";
import type { ServerFrame, ServerFrames } from "@calla/shared";
import { idOf, said, wiring } from "./fixtures.ts";
import type { Said } from "./fixtures.ts";
import type { Peer } from "./peer.ts";

/** `calla-client` is Calla with its own client in place of the lean one, where one client is enough work. */
export const SYSTEMS = ["ws", "ws-batched", "socket.io", "calla", "calla-client"] as const;
export type System = (typeof SYSTEMS)[number];

/** What is heard of a frame that is one peer's own. */
export interface Heard {
  joined(): void;
  /** The outcome of the peer's `n`th message. */
  decided(n: number): void;
  wrong(why: string): never;
}

/** What a shared frame says. Read once for all subscribers. */
export interface SharedFrame {
  readonly messages: readonly Said[];
  /** Whether it is its authors' outcome too. */
  readonly decides: boolean;
}

export interface Dialect {
  /** The bundle that serves it, and its arguments. */
  readonly server: readonly [file: string, ...args: string[]];
  readonly path: string;
  readonly protocol: string | undefined;
  /** First words. */
  opening(topic: string, follow: boolean): readonly string[];
  /** The peer's messages from `n` on, in as many frames as its client would make. */
  dispatch(peer: Peer, topic: string, n: number, count: number): readonly string[];
  shared(bytes: Buffer, start: number): boolean;
  personal(peer: Peer, topic: string, follow: boolean, text: string, heard: Heard): void;
  read(text: string, stream: Stream, heard: Pick<Heard, "wrong">): SharedFrame;
}

/** What the reader of a topic's shared frames remembers from one to the next. */
export interface Stream {
  readonly topic: string;
  readonly peers: ReadonlyMap<number, Peer>;
  sequence: number;
  mark: number;
}

const range = <T>(from: number, count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(from + i));
const byte = (character: string): number => character.charCodeAt(0);

const plainDispatch = (peer: Peer, topic: string, n: number, count: number): readonly string[] =>
  range(n, count, (id) => JSON.stringify({ topic, id, message: said(peer.number, id) }));

const ws: Dialect = {
  server: ["server-ws"],
  path: "/",
  protocol: undefined,
  opening: (topic, follow) => (follow ? [JSON.stringify({ join: topic })] : []),
  dispatch: plainDispatch,
  shared: (bytes, start) => bytes[start + 2] === byte("t"), // {"topic":…
  personal(peer, topic, _follow, text, heard) {
    const frame = JSON.parse(text) as { joined?: string; ack?: number; acks?: number[] };
    if (frame.joined === topic) return heard.joined();
    if (frame.ack !== undefined) return heard.decided(frame.ack);
    for (const id of frame.acks ?? heard.wrong(`${peer.number} got ${text}`)) heard.decided(id);
  },
  read(text, { topic }, { wrong }) {
    const frame = JSON.parse(text) as { topic: string; message?: Said; messages?: Said[] };
    if (frame.topic !== topic) wrong(`a frame of ${frame.topic} in ${topic}`);
    return { messages: frame.messages ?? [frame.message!], decides: false };
  },
};

const socketIo: Dialect = {
  server: ["server-socket-io"],
  path: "/socket.io/?EIO=4&transport=websocket",
  protocol: undefined,
  opening: () => [],
  dispatch: (peer, topic, n, count) =>
    range(n, count, (id) => `42${id}${JSON.stringify(["dispatch", topic, said(peer.number, id)])}`),
  shared: (bytes, start) => bytes[start] === byte("4") && bytes[start + 1] === byte("2"),
  personal(peer, topic, follow, text, heard) {
    if (text.startsWith("0")) return peer.send(["40"]);
    if (text === "2") return peer.send(["3"]);
    if (text.startsWith("40")) return follow ? peer.send([`420["join","${topic}"]`]) : heard.joined();
    if (text === "430[]") return heard.joined();
    if (!text.startsWith("43")) heard.wrong(`${peer.number} got ${text}`);
    heard.decided(Number.parseInt(text.slice(2), 10));
  },
  read(text, _stream, { wrong }) {
    const [event, message] = JSON.parse(text.slice(2)) as [string, Said];
    if (event !== "said") wrong(`an event ${event}`);
    return { messages: [message], decides: false };
  },
};

const calla: Dialect = {
  server: ["server-calla"],
  path: "/ws",
  protocol: "calla.json",
  opening: (topic) => [
    JSON.stringify({
      type: "Hello",
      protocol: PROTOCOL_VERSION,
      slices: wiring.versions(),
      targets: [{ target: topic, ref: 1, settled: 0, sent: 0 }],
    }),
  ],
  // What one turn dispatches leaves as one packet, an array of frames.
  dispatch(peer, target, n, count) {
    const frames = range(n, count, (mid) => ({
      type: "TopicMessage",
      target,
      mid,
      id: idOf(peer.number, mid),
      settled: peer.decided,
      message: said(peer.number, mid),
    }));
    return [JSON.stringify(count === 1 ? frames[0] : frames)];
  },
  shared: (bytes, start) => bytes[start + 9] === byte("T"), // {"type":"TopicUpdate"…
  personal(peer, topic, _follow, text, heard) {
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === "Connected") peer.name = frame.clientId;
    else if (frame.type === "Snapshot" && frame.target === topic && frame.sequence === 0) heard.joined();
    else if (frame.type !== "Settled") heard.wrong(`${peer.number} got ${text}`);
  },
  read(text, stream, { wrong }) {
    const frame = JSON.parse(text) as ServerFrames["TopicUpdate"];
    const { topic, peers, sequence, mark } = stream;
    if (frame.target !== topic || frame.after !== sequence || frame.from !== mark)
      wrong(`an update of ${frame.target} after ${frame.after}, expected after ${sequence}`);
    const messages = frame.records.map(([, author, mid, id, message]) => {
      const { from, n } = message as Said;
      const tag = frame.authors[author]?.[0];
      if (mid !== n || id !== idOf(from, n) || tag !== authorTag(peers.get(from)?.name ?? "", topic))
        wrong(`a record that is not its author's: ${JSON.stringify(message)}`);
      return message as Said;
    });
    stream.sequence += messages.length;
    stream.mark = frame.mark;
    return { messages, decides: true };
  },
};

export const DIALECTS: Readonly<Record<System, Dialect>> = {
  ws,
  "ws-batched": { ...ws, server: ["server-ws", "batched"] },
  "socket.io": socketIo,
  calla,
  "calla-client": calla,
};
