// A mount on real http servers, beside other things that are served there.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RawWebSocket } from "../../test/raw-websocket.ts";
import { StubChannels } from "../../test/stub-channels.ts";
import { webSocket } from "../transports/websocket/websocket.ts";
import { createChannels } from "./channels.ts";
import type { ChannelRefusal } from "./engine/channels-context.ts";
import { deny } from "./engine/admission.ts";
import { setHost } from "./engine/hosts.ts";
import { phoenix } from "./phoenix.ts";
import type { PhoenixMount } from "./phoenix.ts";

let http: Server;
let channels: StubChannels;
/** What stands for what createChannels gives. */
let system: Parameters<typeof phoenix>[0];
let mounts: PhoenixMount[];
let raws: RawWebSocket[];

const url = (path: string): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}${path}`;
async function status(path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const raw = new RawWebSocket((http.address() as AddressInfo).port, { path, headers });
  raws.push(raw);
  return (await raw.head()).status;
}
function mount(options: Parameters<typeof phoenix>[1] = {}): PhoenixMount {
  const one = phoenix(system, options);
  mounts.push(one);
  return one;
}

beforeEach(async () => {
  http = createServer((request, response) => {
    if (!mounts.some((one) => one.handle(request, response))) response.writeHead(404).end("nf");
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  channels = new StubChannels();
  system = { sockets: 0, drain: () => Promise.resolve() };
  setHost(system, channels);
  mounts = [];
  raws = [];
});
afterEach(async () => {
  for (const raw of raws) raw.socket.destroy();
  await Promise.all(mounts.map((one) => one.close()));
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

describe("a mount", () => {
  test("[DF2] needs what createChannels gives", () => {
    expect(() => phoenix({} as never)).toThrow(/createChannels/);
  });
  test("[CN19] has both transports below its path, or one", async () => {
    mount({ httpServer: http });
    mount({ httpServer: http, path: "/polls", websocket: false });
    mount({ httpServer: http, path: "/sockets", longpoll: false });
    expect(await status("/socket/websocket?vsn=2.0.0")).toBe(101);
    expect(await status("/sockets/websocket?vsn=2.0.0")).toBe(101);
    expect(await status("/polls/websocket?vsn=2.0.0")).toBe(404);
    const polled = async (path: string): Promise<unknown> => {
      const response = await fetch(url(path));
      return response.ok ? ((await response.json()) as { status: number }).status : response.status;
    };
    expect(await polled("/socket/longpoll?vsn=2.0.0")).toBe(410);
    expect(await polled("/polls/longpoll?vsn=2.0.0")).toBe(410);
    expect(await polled("/sockets/longpoll?vsn=2.0.0")).toBe(404);
    expect(mounts.map(({ connections }) => connections)).toEqual([2, 1, 1]);
  });

  test("[CN19] without any transport is refused", () => {
    expect(() => phoenix(system, { websocket: false, longpoll: false })).toThrow(
      expect.objectContaining({ code: "transport" }),
    );
  });

  test("[CN21] leaves other paths alone: nothing is answered, and what follows is asked", async () => {
    const one = mount();
    let nexts = 0;
    const response = {} as never;
    expect(one.handle({ url: "/other", headers: {}, socket: {} } as never, response, () => nexts++)).toBe(
      false,
    );
    expect(nexts).toBe(1);
    expect(await one.fetch(new Request("http://a.example/other"))).toBe(undefined);
    expect(one.handleUpgrade({ url: "/other", headers: {}, socket: {} } as never, response, response)).toBe(
      false,
    );
  });

  test("[CN67] takes the upgrades of a server that was made after it, until it closes", async () => {
    const one = mount();
    expect(await status("/socket/websocket?vsn=2.0.0")).toBe(400);
    one.listen(http);
    expect(await status("/socket/websocket?vsn=2.0.0")).toBe(101);
    await one.close();
    expect(http.listenerCount("upgrade")).toBe(0);
    one.listen(http);
    expect(http.listenerCount("upgrade")).toBe(0);
  });

  test("[CN28] [TR22] stands beside the sync half on one port, whichever came first", async () => {
    for (const first of ["sync", "channels"]) {
      const refused: number[] = [];
      const sync = () =>
        webSocket(
          {
            connect: () => ({
              incoming: () => undefined,
              disconnect: () => undefined,
              drained: () => undefined,
            }),
            allowsOrigin: () => true,
            limits: { maxFrameBytes: 1_000 },
            serialiser: { formats: [{ name: "json" }] },
            refused: (refusal) => void refused.push(refusal.status),
          },
          { httpServer: http, path: "/ws" },
        );
      const before = first === "sync" ? sync() : undefined;
      const one = phoenix(system, { httpServer: http });
      const transport = before ?? sync();
      expect(await status("/ws", { "Sec-WebSocket-Protocol": "calla.json" })).toBe(101);
      expect(await status("/socket/websocket?vsn=2.0.0")).toBe(101);
      expect(await status("/neither", { "Sec-WebSocket-Protocol": "calla.json" })).toBe(404);
      // A client of the sync half at the wrong path is told to the operator, though the channels listen too.
      expect(refused).toEqual([404]);
      for (const raw of raws) raw.socket.destroy();
      await Promise.all([one.close(), transport.close()]);
    }
  });

  test("[CN66] [CN69] who connect turns away is told of over either transport, without the query", async () => {
    const refusals: ChannelRefusal[] = [];
    system = createChannels({
      connect: () => deny(401),
      onRefused: (refusal) => void refusals.push(refusal),
    });
    mount({ httpServer: http });
    const query = "vsn=2.0.0&key=hush";
    expect(await status(`/socket/websocket?${query}`)).toBe(401);
    const polled = await fetch(url(`/socket/longpoll?${query}`));
    expect(await polled.json()).toEqual({ status: 403 });
    expect(refusals.map(({ code, details }) => [code, details])).toEqual([
      ["connection", { status: 401, reason: "connect", url: "/socket/websocket" }],
      ["connection", { status: 401, reason: "connect", url: "/socket/longpoll" }],
    ]);
  });
});
