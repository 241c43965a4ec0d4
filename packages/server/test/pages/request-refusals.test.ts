// docs/channels-errors.md, "When a request is not let in": each reason with the statuses that the page says, over both
// transports, on real ports.
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { accept, createChannels, deny, phoenix } from "../../src/channels/index.ts";
import type { ChannelsOptions, PhoenixOptions } from "../../src/channels/index.ts";
import { channelCodes } from "../../src/channels/codes/channel-codes.ts";

const { requestRefusals } = channelCodes;
type Reason = keyof typeof requestRefusals;

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
interface World {
  readonly channels?: ChannelsOptions<object>;
  readonly mount?: PhoenixOptions;
  /** It stops before it is asked. */
  readonly stopped?: boolean;
}
const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};
const SECRET = "4f1c0b8e2d7a96355a7e91d0c3b2f6484f1c0b8e2d7a96355a7e91d0c3b2f648";

/** The HTTP status and the body of an answer; of one that upgrades 101. */
const ask = (port: number, { path = "/", method = "GET", headers = {}, body = "" }: Asked) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const asking = httpRequest({ port, host: "127.0.0.1", path, method, headers }, (response) => {
      let text = "";
      response.on("data", (data: Buffer) => (text += data.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve({ status: 101, text: "" });
    });
    asking.on("error", reject).end(body);
  });

async function world(
  { channels: options, mount: mounting, stopped = false }: World,
  use: (port: number) => Promise<unknown>,
): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const channels = createChannels({
    onError: () => undefined,
    onRefused: ({ code, details }) =>
      void reasons.push(code === "connection" ? (details as { readonly reason: string }).reason : code),
    ...options,
  });
  const httpServer = createServer((request, response) => {
    if (!mount.handle(request, response)) response.writeHead(404).end();
  });
  const mount = phoenix(channels, { httpServer, ...mounting });
  await new Promise<void>((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
  if (stopped) await channels.stop();
  try {
    await use((httpServer.address() as AddressInfo).port);
  } finally {
    await channels.stop();
    await mount.close();
    httpServer.closeAllConnections();
    httpServer.close();
  }
  return reasons;
}

const evil = { headers: { origin: "https://evil.example" } };
const many = Array.from({ length: 1_001 }, (_, i) => `p${i}=1`).join("&");

/** What brings each of them about: the app, and the request; over both transports alike unless said. */
const provoked: Partial<
  Record<Reason, World & { websocket?: Asked; longpoll?: Asked; asked?: Asked; vsn?: string }>
> = {
  connect: { channels: { connect: () => deny() } },
  "cross-site": { longpoll: { headers: { "sec-fetch-site": "cross-site" } } },
  handshake: { websocket: { headers: { upgrade: "", connection: "close" } } },
  host: { channels: { hosts: ["app.example"] }, asked: { headers: { host: "other.example" } } },
  method: { websocket: { method: "PUT" } },
  origin: { asked: evil },
  params: { asked: { path: many } },
  stopping: { stopped: true },
  subprotocol: {
    mount: { subprotocols: ["one"] },
    websocket: { headers: { "sec-websocket-protocol": "two" } },
  },
  token: {
    mount: { authToken: true },
    websocket: { headers: { "sec-websocket-protocol": "phoenix, base64url.bearer.phx.%%%" } },
  },
  vsn: { vsn: "7.0.0" },
};
const statusIn = (cell: string): number => Number(/\d{3}/.exec(cell)?.[0]);

describe("[CF5] a request is not let in", () => {
  it.each(Object.entries(provoked) as [Reason, NonNullable<(typeof provoked)[Reason]>][])(
    "%s",
    async (reason, { websocket, longpoll, asked, vsn = "2.0.0", ...how }) => {
      const both = websocket === undefined && longpoll === undefined;
      const path = (transport: string, more: Asked): string =>
        `/socket/${transport}?vsn=${vsn}${more.path === undefined ? "" : `&${more.path}`}`;
      const row = requestRefusals[reason];
      if (both || websocket !== undefined) {
        const more = websocket ?? asked ?? {};
        const heard = await world(how, async (port) => {
          const headers = { ...UPGRADE, ...more.headers };
          const { status } = await ask(port, { ...more, path: path("websocket", more), headers });
          expect(status).toBe(statusIn(row.websocket));
        });
        expect(heard).toEqual([reason]);
      }
      if (both || longpoll !== undefined) {
        const more = longpoll ?? asked ?? {};
        const heard = await world(how, async (port) => {
          const { status, text } = await ask(port, { ...more, path: path("longpoll", more) });
          // Without a body it is HTTP's own.
          const told = text === "" ? status : (JSON.parse(text) as { readonly status: number }).status;
          expect(told).toBe(statusIn(row.longpoll));
        });
        expect(heard).toEqual([reason]);
      }
    },
  );

  it.each([
    ["lines", "application/x-ndjson", Array(1_001).fill('[null,"1","phoenix","heartbeat",{}]').join("\n")],
    ["malformed", "application/x-ndjson", "{no"],
    ["too-large", "application/json", `["${"x".repeat(1_100_000)}"]`],
  ] as const)("%s, of a POST", async (reason, type, body) => {
    const heard = await world({}, async (port) => {
      const path = "/socket/longpoll?vsn=2.0.0";
      const { token } = JSON.parse((await ask(port, { path })).text) as { readonly token: string };
      const { text } = await ask(port, {
        path: `${path}&token=${token}`,
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      const { status } = JSON.parse(text) as { readonly status: number };
      expect(status).toBe(statusIn(requestRefusals[reason].longpoll));
    });
    expect(heard.filter((one) => one !== "unmatched-topic")).toEqual([reason]);
  });

  it("elsewhere, of another node's session", async () => {
    const secret = { mount: { longpoll: { secret: SECRET } } };
    let token = "";
    const path = "/socket/longpoll?vsn=2.0.0";
    await world(secret, async (port) => {
      ({ token } = JSON.parse((await ask(port, { path })).text) as { readonly token: string });
    });
    const heard = await world(secret, async (port) => {
      const statuses: number[] = [];
      for (const _ of [1, 2]) {
        const { text } = await ask(port, { path: `${path}&token=${token}` });
        statuses.push((JSON.parse(text) as { readonly status: number }).status);
      }
      expect(statuses).toEqual([500, 410]);
    });
    expect(heard).toEqual(["elsewhere"]);
  });

  it("connect says its own status to a WebSocket, and lets others in", async () => {
    const heard = await world(
      { channels: { connect: ({ params }) => (params["ok"] === "1" ? accept({}) : deny(429, "later")) } },
      async (port) => {
        const path = "/socket/websocket?vsn=2.0.0";
        expect(await ask(port, { path, headers: UPGRADE })).toEqual({ status: 429, text: "later" });
        expect((await ask(port, { path: `${path}&ok=1`, headers: UPGRADE })).status).toBe(101);
      },
    );
    expect(heard).toEqual(["connect"]);
  });

  it.each([
    ["the channels'", (origins: () => never) => ({ channels: { origins } })],
    ["the mount's", (origins: () => never) => ({ mount: { origins } })],
  ])(
    "[AU11] [CN57] a function of %s origins that throws lets nobody in, and is reported",
    async (_, given) => {
      const errors: unknown[] = [];
      const error = new Error("as asked");
      const { channels, mount }: World = given(() => {
        throw error;
      });
      const heard = await world(
        { channels: { ...channels, onError: (told) => void errors.push(told) }, ...(mount && { mount }) },
        async (port) => {
          const path = "/socket/websocket?vsn=2.0.0";
          expect((await ask(port, { path, headers: UPGRADE })).status).toBe(403);
          const { text } = await ask(port, { path: "/socket/longpoll?vsn=2.0.0" });
          expect(JSON.parse(text)).toEqual({ status: 403 });
        },
      );
      expect(heard).toEqual(["origin", "origin"]);
      expect(errors).toEqual([error, error]);
    },
  );
});
