// A client and a server joined by a network in the hand: what either side says waits until the test delivers it, or
// travels for a while on a virtual clock; and every way in which a network fails can be had on demand.
import { asFrame, clientFrames, mapPayloads, payloadReader, serverFrames } from "@calla/shared";
import type { ClientFrame, Serialiser, ServerFrame } from "@calla/shared";
import type { ReconnectOptions, Transport } from "@calla/client";
import type { ConnectRequest } from "@calla/server";
import type { Lane } from "./lane.ts";
import { Link } from "./link.ts";
import type { Reachable } from "./link.ts";
import { RequestLink } from "./request-link.ts";
import type { CutPoint } from "./points.ts";
import type { VirtualClock } from "../doubles/clock.ts";

/** What an attempt goes by. */
export type Via = "socket" | "http" | "poll";

/** What `connectionPair` takes besides the server. */
export interface PairOptions {
  readonly serialiser: Serialiser;
  readonly clock: VirtualClock;
  /** One of the serialiser's formats; the first by default. */
  readonly format?: string;
  /** Milliseconds that each packet travels. Absent: packets wait until they are delivered by hand. */
  readonly latency?: () => number;
  /** What the server reads of the client's request. Default: the url "/", no headers and no address. */
  readonly request?: ConnectRequest;
  /** A socket (the default), HTTP with a stream, or HTTP with polls; asked before each attempt. */
  readonly via?: () => Via;
  /** Where a POST lands; the server reached by default. */
  readonly speaksTo?: () => Reachable;
  /** Milliseconds between polls: 200. */
  readonly pollInterval?: number;
  /** How attempts follow each other. Default: 100 ms, doubled up to 2,000, ± 0.25. */
  readonly reconnect?: Partial<ReconnectOptions>;
  /** Sees every frame that a client sends, when it is sent. */
  readonly onSent?: (frame: ClientFrame) => void;
  /** Sees every frame that a server sends, when it is sent. */
  readonly onAnswered?: (frame: ServerFrame) => void;
  /** A cut that was arranged (`cutAt`) has happened. */
  readonly onCut?: (point: CutPoint) => void;
}

/**
 * A client's transport and the network between it and a server, in the test's hands.
 *
 * @example
 * const pair = connectionPair(server, { serialiser, clock });
 * const client = createClient({ wiring, serialiser: pair.serialiser, transport: pair.transport, clock });
 * pair.cut();
 */
export interface ConnectionPair {
  /** Give it to `createClient`, with the serialiser below. */
  readonly transport: Transport;
  /** The serialiser that prefers this pair's format. */
  readonly serialiser: Serialiser;
  /** What is under way, on the connection there is now. */
  readonly toServer: Lane<ClientFrame>;
  readonly toClient: Lane<ServerFrame>;
  readonly link: Link | RequestLink | undefined;
  /** Every connection there ever was, the newest last. */
  readonly links: readonly (Link | RequestLink)[];
  /** Attempts to connect fail while this is false. */
  reachable: boolean;
  /** Which server the next attempts reach. */
  reach(server: Reachable): void;
  /** Breaks the connection for both ends, or lets only one of them notice. */
  cut(noticedBy?: "both" | "client" | "server"): void;
  /** Cuts once, at a named moment. undefined: not any more. */
  cutAt(point: CutPoint | undefined): void;
  /** Sends succeed and nothing arrives, in both directions or one of them. */
  halfOpen(direction?: "both" | "to-server" | "to-client"): void;
  /** Delivers both ways by hand until nothing is under way and nothing happens any more. */
  flush(): Promise<void>;
}

const RECONNECT: ReconnectOptions = {
  baseMilliseconds: 100,
  maxMilliseconds: 2_000,
  multiplier: 2,
  jitterRatio: 0.25,
};

/**
 * Joins one client to a server in memory.
 *
 * @example
 * const pair = connectionPair(server, { serialiser, clock });
 * const client = createClient({ wiring, serialiser: pair.serialiser, transport: pair.transport, clock });
 * await pair.flush();
 * expect(pair.toServer.frames).toEqual([]);
 */
export function connectionPair(server: Reachable, options: PairOptions): ConnectionPair {
  const { clock, latency } = options;
  const serialiser =
    options.format === undefined ? options.serialiser : options.serialiser.use(options.format);
  const links: (Link | RequestLink)[] = [];
  const memory = { pollUntil: 0, unsendable: new Map<string, string>(), tracks: new Map() };
  const decodeClient = clientDecoder(serialiser, options.onSent);
  const decodeServer = decoder(serialiser, asServerFrame, options.onAnswered);
  let reached = server;
  let armed: CutPoint | undefined;
  const now = (): Link | RequestLink => {
    const link = links.at(-1);
    if (link === undefined) throw new Error("There was no attempt to connect yet; settle the clock first.");
    return link;
  };
  const pair: ConnectionPair = {
    serialiser,
    transport: {
      reconnect: { ...RECONNECT, ...options.reconnect },
      connect(handlers, format) {
        const via = options.via?.() ?? "socket";
        const ends = {
          server: reached,
          handlers,
          request: options.request ?? { url: "/", headers: {}, remoteAddress: undefined },
          clock,
          latency,
          decodeClient,
          decodeServer,
          cutHere(at: (point: CutPoint) => boolean) {
            if (armed === undefined || !at(armed)) return false;
            options.onCut?.(armed);
            armed = undefined;
            return true;
          },
        };
        const speaksTo = options.speaksTo ?? (() => reached);
        const link =
          via === "socket"
            ? new Link({ ...ends, format: format.name })
            : new RequestLink({
                ...ends,
                format,
                memory,
                speaksTo,
                polls: via === "poll",
                pollInterval: options.pollInterval,
              });
        links.push(link);
        const arrive = (): void => (pair.reachable ? link.open() : link.breakForClient());
        if (latency === undefined) clock.defer(arrive);
        else clock.setTimeout(arrive, latency());
        return { send: (data) => link.send(data), close: (gone) => link.close(gone) };
      },
    },
    get toServer() {
      return now().toServer;
    },
    get toClient() {
      return now().toClient;
    },
    get link() {
      return links.at(-1);
    },
    links,
    reachable: true,
    reach: (other) => void (reached = other),
    cut(noticedBy = "both") {
      const link = links.at(-1);
      if (noticedBy !== "client") link?.breakForServer();
      if (noticedBy !== "server") link?.breakForClient();
      // An end that has not noticed yet sends into nothing.
      else if (link !== undefined) link.toServer.silent = link.toClient.silent = true;
    },
    cutAt: (point) => void (armed = point),
    halfOpen(direction = "both") {
      const link = links.at(-1);
      if (link === undefined) return;
      if (direction !== "to-client") link.toServer.silent = true;
      if (direction !== "to-server") link.toClient.silent = true;
    },
    async flush() {
      for (;;) {
        await clock.settle();
        const under = links.filter((link) =>
          lanesOf(link).some(({ packets, paused }) => packets.length > 0 && !paused),
        );
        if (under.length === 0) return;
        for (const link of under) {
          for (const lane of lanesOf(link)) {
            lane.deliver();
            await clock.settle();
          }
        }
      }
    },
  };
  return pair;
}

// The unions that `asFrame` infers are these; comparing them member by member is more than the compiler will do.
const read = asFrame as unknown as (specs: object, value: unknown) => unknown;
const asClientFrame = (value: unknown) => read(clientFrames, value) as ClientFrame | undefined;
const asServerFrame = (value: unknown) => read(serverFrames, value) as ServerFrame | undefined;

/** Reads what a client sends. */
export const clientDecoder = (serialiser: Serialiser, seen: ((frame: ClientFrame) => void) | undefined) =>
  decoder(serialiser, asClientFrame, seen);

/** Reads packets as their receiver will. What is no frame (a hostile test's) shows as no frames. */
function decoder<Frame extends ClientFrame | ServerFrame>(
  serialiser: Serialiser,
  as: (value: unknown) => Frame | undefined,
  seen: ((frame: Frame) => void) | undefined,
): (data: string | Uint8Array) => readonly Frame[] {
  const [format] = serialiser.formats;
  const codec = serialiser.payload(format!);
  const payloads = payloadReader(codec);
  return (data) => {
    try {
      const packet = format!.decode(data);
      const frames = (Array.isArray(packet) ? packet : [packet])
        .map(as)
        .filter((frame) => frame !== undefined)
        .map((frame) => (mapPayloads as (frame: Frame, map: typeof payloads) => Frame)(frame, payloads));
      if (seen !== undefined) for (const frame of frames) seen(frame);
      return frames;
    } catch {
      return [];
    }
  };
}

type AnyLane = Pick<Lane<unknown>, "packets" | "paused" | "deliver" | "reorder">;
/** All ways of a link: to the server, to the client, and answers to POSTs. */
export const lanesOf = (link: Link | RequestLink): readonly AnyLane[] =>
  link instanceof RequestLink ? [link.toServer, link.toClient, link.answers] : [link.toServer, link.toClient];
