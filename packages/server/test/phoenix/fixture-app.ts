// The fixture app of the conformance kit (packages/conformance), as an app of Calla: the sockets, topics and events that were
// recorded, and those that the kit's own conversations need beside them.
import type { Clock } from "@calla/shared";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  accept,
  createChannels,
  defineChannel,
  deny,
  joined,
  phoenix,
  type Channels,
  type JsonObject,
  type PhoenixRequest,
} from "../../src/channels/index.ts";
import { bytesChannel, goldenChannel, typedChannel } from "./fixture-channels.ts";
import { systemClock } from "../../src/base/clock.ts";
import { roomChannel, type Visitor } from "./fixture-room.ts";

export interface FixtureApp {
  readonly host: string;
  readonly port: number;
  /** What it reported: throws that the scenarios provoke, and what they do not. */
  readonly errors: unknown[];
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** Many scenarios at once, all of one address. */
const limits = { maxConnectionsPerAddress: Infinity, maxConnectsPerAddress: Infinity };

/** So many come at once, and no more for a long time. */
const FEW_AT_ONCE = {
  joinRate: 0.001,
  joinBurst: 4,
  channelRate: 0.001,
  channelBurst: 5,
  messageRate: 0.001,
  messageBurst: 20,
  joinTimeout: 300,
};

/** What `connect` does: by the query it lets in, refuses, or raises. `tells`: it keeps all of the request for `info:*`. */
const connect = (tells: (request: PhoenixRequest) => boolean) => (request: PhoenixRequest) => {
  const { params, vsn, authToken } = request;
  switch (params["refuse"]) {
    case "error":
      return deny(403);
    case "limited":
      return deny(429, "too many");
    case "unauth":
      return deny(401);
  }
  if (params["raise"] !== undefined) throw new Error("connect raises");
  const id = typeof params["id"] === "string" ? params["id"] : undefined;
  const known: JsonObject = { params, auth: authToken ?? null };
  const info = { ...known, ...(tells(request) ? requestInfo(request) : noInfo) };
  return accept<Visitor>({ id: id ?? null, vsn, info }, id);
};

const noInfo: JsonObject = { peer: "nil", sec: {}, ua: null, uri: null, x: {} };

/** As the recorded app shows what Phoenix' `connect_info` holds. */
function requestInfo({ headers, remoteAddress = "", url }: PhoenixRequest): JsonObject {
  const all = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  const beginning = (start: string): JsonObject =>
    Object.fromEntries(all.filter(([name]) => name.startsWith(start)));
  return {
    // Its port is not known to a hook; which it is does not matter.
    peer: `%{address: {${remoteAddress.replaceAll(".", ", ")}}, port: 0, ssl_cert: nil}`,
    sec: beginning("sec-"),
    ua: headers["user-agent"] === undefined ? null : String(headers["user-agent"]),
    uri: `http://${String(headers["host"])}${url}`,
    x: beginning("x-"),
  };
}

/** Serves the app on a port of its own. `clock` is the whole app's; default: the machine's. */
export async function fixtureApp({
  clock = systemClock,
  strictPhoenix = true,
}: {
  readonly clock?: Clock;
  readonly strictPhoenix?: boolean;
} = {}): Promise<FixtureApp> {
  const errors: unknown[] = [];
  const common = { strictPhoenix, clock, limits, onError: (error: unknown) => void errors.push(error) };
  const rooms: Channels<Visitor> = createChannels({ ...common, connect: connect(() => false) });
  const few: Channels<Visitor> = createChannels({
    ...common,
    limits: { ...limits, maxChannelsPerSocket: 2 },
    connect: connect(() => false),
  });
  const infos: Channels<Visitor> = createChannels({
    ...common,
    connect: connect(({ url }) => url.startsWith("/auth/")),
  });
  // Calla's own: rates, bytes of the app's own, and clients that take nothing in.
  const limited: Channels<Visitor> = createChannels({
    ...common,
    limits: { ...limits, ...FEW_AT_ONCE },
    connect: connect(() => false),
  });
  const raw: Channels<Visitor> = createChannels({
    ...common,
    rawBinary: true,
    connect: connect(() => false),
  });
  const slow: Channels<Visitor> = createChannels({
    ...common,
    limits: { ...limits, maxBufferedBytes: 65_536 },
    connect: connect(() => false),
  });
  // Of more than two members only how many there are is told.
  const crowded: Channels<Visitor> = createChannels({
    ...common,
    limits: { ...limits, maxPresenceList: 2 },
    connect: connect(() => false),
  });
  const all = [rooms, few, infos, limited, raw, slow, crowded];
  const drain = (): void => {
    for (const channels of all) void channels.drain({ over: 0 });
  };
  const room = roomChannel({ channels: () => rooms, drain, clock });
  const exact = defineChannel("room:exact").join(({ topic }) => joined({}, { exact: topic }));
  const info = defineChannel("info:*")
    .socket<Visitor>()
    .join(({ socket }) => joined({}, socket.assigns.info));
  rooms.register(exact).register(room).register(defineChannel("watch:*")).register(typedChannel);
  rooms.register("top", goldenChannel).register("räume", goldenChannel);
  rooms.register("system", exact);
  // A pattern that only Phoenix has (CT4).
  if (strictPhoenix) rooms.register("a:b*", exact);
  few.register(room);
  limited.register(room);
  slow.register(room);
  crowded.register(room);
  raw.register(bytesChannel);
  infos.register(info);

  const server = createServer();
  // The recorded app's own host.
  const origins = ["//localhost"];
  const mounts = [
    phoenix(infos, { path: "/socket/admin", longpoll: false }),
    phoenix(rooms, { path: "/socket", origins }),
    phoenix(rooms, { path: "/quick", origins, websocket: { timeout: 1500 }, longpoll: { window: 600 } }),
    phoenix(rooms, { path: "/v1only", vsns: ["1.0.0"] }),
    phoenix(few, { path: "/few", websocket: { maxFrameBytes: 1000 } }),
    phoenix(infos, { path: "/auth", authToken: true }),
    phoenix(infos, { path: "/sub", subprotocols: ["one", "two"], longpoll: false }),
    phoenix(infos, {
      path: "/origin",
      origins: ["https://good.example", "//*.wild.example", "//ported.example:8080"],
    }),
    phoenix(infos, {
      path: "/var/:tenant",
      websocket: { path: "/custom/:more" },
      longpoll: { path: "/poll" },
    }),
    phoenix(infos, {
      path: "/decides",
      origins: (origin) => [undefined, "https://asked.example"].includes(origin),
    }),
    phoenix(infos, { path: "/anywhere", origins: "any" }),
    phoenix(limited, { path: "/limited" }),
    phoenix(raw, { path: "/raw" }),
    phoenix(slow, { path: "/slow" }),
    phoenix(crowded, { path: "/crowded" }),
  ];
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (mounts.some((mount) => mount.handle(request, response))) return;
    if (request.url === "/admin/stop") {
      response.end("ok");
      return drain();
    }
    response.writeHead(404).end("nf");
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (mounts.some((mount) => mount.handleUpgrade(request, socket, head))) return;
    socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\nnf");
  });
  const port = await listening(server);
  return {
    host: HOST,
    port,
    errors,
    close: async () => {
      await Promise.all(mounts.map((mount) => mount.close()));
      await Promise.all(all.map((channels) => channels.stop()));
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, HOST, resolve);
  });
  const address = server.address() as AddressInfo;
  return address.port;
}
