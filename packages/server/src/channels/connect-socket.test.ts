// Sockets of any library, by three functions.
import { describe, expect, it, vi } from "vitest";
import { inHand } from "../../test/wired.ts";
import { settled } from "../../test/phoenix-talk.ts";
import { accept, createChannels, defineChannel, deny, reply } from "./index.ts";
import type { ChannelsOptions } from "./index.ts";

const room = defineChannel("room:*")
  .handleIn("echo", (payload) => reply(payload))
  .handleBinary("bytes", (bytes) => reply(bytes));
const JOIN = JSON.stringify(["1", "1", "room:1", "phx_join", {}]);

function plugged(url: string, options: ChannelsOptions<object> = {}) {
  const heard: (string | Uint8Array)[] = [];
  const ends: [number, string][] = [];
  const channels = createChannels({ onError: () => undefined, ...options }).register(room);
  const socket = channels.connect({
    send: (data) => void heard.push(data),
    close: (code, reason) => void ends.push([code, reason]),
    request: { url, headers: {}, remoteAddress: "10.0.0.1" },
  });
  return { channels, socket, heard, ends };
}

describe("channels.connect", () => {
  it("[DC15] says text as text and bytes as bytes", () => {
    const { socket, heard } = plugged("/socket/websocket?vsn=2.0.0");
    socket.incoming(JOIN);
    expect(heard.map((data) => JSON.parse(data as string) as unknown)).toEqual([
      ["1", "1", "room:1", "phx_reply", { status: "ok", response: {} }],
    ]);
    const text = "12room:1bytes";
    socket.incoming(
      new Uint8Array(Buffer.concat([Buffer.from([0, 1, 1, 6, 5]), Buffer.from(text), Buffer.from([7])])),
    );
    expect(heard.at(-1)).toBeInstanceOf(Uint8Array);
    expect([...(heard.at(-1) as Uint8Array)].at(-1)).toBe(7);
  });
  it("[BC13] makes one text of a broadcast, however many sockets hear it", () => {
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    const heard: unknown[] = [];
    const channels = createChannels().register(room);
    for (let n = 0; n < 3; n++)
      channels
        .connect({
          send: (data) => void heard.push(data),
          close: () => undefined,
          request: { url: "/?vsn=2.0.0", headers: {}, remoteAddress: `10.0.0.${n}` },
        })
        .incoming(JOIN);
    const before = decode.mock.calls.length;
    channels.broadcast("room:1", "said", { text: "hello" });
    const frame = '[null,null,"room:1","said",{"text":"hello"}]';
    expect(heard.slice(-3)).toEqual([frame, frame, frame]);
    expect(decode.mock.calls.length - before).toBe(1);
    decode.mockRestore();
  });
  it("[DC15] hands params and vsn to connect, and lets what comes before its answer wait", async () => {
    const answer = inHand<void>();
    const asked: unknown[] = [];
    const { socket, heard } = plugged("/socket/websocket?vsn=1.0.0&user[name]=ada", {
      connect: async ({ params, vsn }) => {
        asked.push(params["user"], vsn);
        await answer.promise;
        return accept({});
      },
    });
    socket.incoming(JSON.stringify({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" }));
    expect(heard).toEqual([]);
    answer.keep();
    await settled();
    expect(asked).toEqual([expect.objectContaining({ name: "ada" }), "1.0.0"]);
    expect(heard).toHaveLength(1);
  });
  it("[DC15] turns away with 1008", async () => {
    expect(plugged("/?vsn=3.0.0").ends).toEqual([[1008, "refused"]]);
    expect(plugged("/?vsn=2.0.0", { connect: () => deny(401) }).ends).toEqual([[1008, "refused"]]);
    const late = plugged("/?vsn=2.0.0", { connect: async () => deny(401) });
    late.socket.incoming(JOIN);
    await settled();
    expect([late.ends, late.heard]).toEqual([[[1008, "refused"]], []]);
  });
  it("[DC15] does not connect who has gone, nor keeps too much of who waits", async () => {
    const answer = inHand<void>();
    const slow: ChannelsOptions<object> = {
      connect: async () => {
        await answer.promise;
        return accept({});
      },
    };
    const gone = plugged("/?vsn=2.0.0", slow);
    const much = plugged("/?vsn=2.0.0", slow);
    gone.socket.incoming(JOIN);
    gone.socket.disconnect();
    much.socket.incoming("x".repeat(65_537));
    expect(much.ends).toEqual([[1009, "too-large"]]);
    answer.keep();
    await settled();
    expect([gone.channels.sockets, gone.heard]).toEqual([0, []]);
  });
  it("[DC15] the socket's end ends its channels", () => {
    const { channels, socket } = plugged("/?vsn=2.0.0");
    socket.incoming(JOIN);
    socket.disconnect();
    expect(channels.sockets).toBe(0);
  });
  it("[DC15] whoever is turned away is told to the observers, and nothing more of it is kept", async () => {
    const refusals: unknown[] = [];
    const onRefused: ChannelsOptions<object>["onRefused"] = ({ code, details }) =>
      void refusals.push([code, details]);
    const told = (status: number, reason: string) => ["connection", { status, reason, url: "/" }];
    plugged("/?vsn=3.0.0&token=secret", { onRefused });
    plugged("/?vsn=2.0.0", { onRefused, connect: () => deny(401) });
    const many = plugged(`/?vsn=2.0.0&${"a=b&".repeat(1_001)}`, { onRefused });
    expect(refusals).toEqual([told(403, "vsn"), told(401, "connect"), told(400, "params")]);
    for (let i = 0; i < 2; i++) many.socket.incoming("x".repeat(65_537));
    expect(many.ends).toEqual([[1008, "refused"]]);
  });
  it("[DC15] who said too much before is closed once, and not connected", async () => {
    const answer = inHand<void>();
    const { channels, socket, ends, heard } = plugged("/?vsn=2.0.0", {
      connect: async () => {
        await answer.promise;
        return accept({});
      },
    });
    socket.incoming(JOIN);
    for (let i = 0; i < 2; i++) socket.incoming("x".repeat(65_537));
    answer.keep();
    await settled();
    expect([ends, heard, channels.sockets]).toEqual([[[1009, "too-large"]], [], 0]);
  });
  it("[DC15] a library may tell the end within the close, while it is wired in", async () => {
    const channels = createChannels({
      limits: { maxConnectionsPerAddress: 1 },
      connect: async () => accept({}),
    });
    const sockets = [1, 2].map(() => {
      const socket = channels.connect({
        send: () => undefined,
        close: () => socket.disconnect(),
        request: { url: "/?vsn=2.0.0", headers: {}, remoteAddress: "10.0.0.1" },
      });
      return socket;
    });
    await settled();
    expect(channels.sockets).toBe(1);
    sockets[0]?.disconnect();
    await channels.stop();
  });
  it("[DC15] [DC3] one whose close throws is gone, and a drain does not wait for it", async () => {
    const errors: unknown[] = [];
    const channels = createChannels({ onError: (error) => void errors.push(error) });
    channels.connect({
      send: () => undefined,
      close: () => {
        throw new Error("close");
      },
      request: { url: "/?vsn=2.0.0", headers: {}, remoteAddress: "10.0.0.1" },
    });
    await channels.drain();
    expect([channels.sockets, errors.map(String)]).toEqual([0, ["Error: close"]]);
  });
  it("[DC1] who comes back within the close is not closed again", () => {
    const channels = createChannels({ connect: () => accept({}, "ada") });
    let closes = 0;
    const enter = (): void => {
      const socket = channels.connect({
        send: () => undefined,
        close() {
          socket.disconnect();
          if (closes++ < 10) enter();
        },
        request: { url: "/?vsn=2.0.0", headers: {}, remoteAddress: undefined },
      });
    };
    for (let i = 0; i < 2; i++) enter();
    channels.disconnect("ada");
    expect([closes, channels.sockets]).toEqual([2, 2]);
  });
});
