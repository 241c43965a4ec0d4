// One connection by itself. Which server an attempt reaches, and all that a pair does with several: pair.test.ts.
import type { ClientFrame, ServerFrame } from "@calla/shared";
import type { Connection } from "@calla/server";
import { describe, expect, test } from "vitest";
import { virtualClock } from "../doubles/clock.ts";
import { fromUtf8, isLastWord, Link, packetOf } from "./link.ts";
import type { LinkOptions } from "./link.ts";
import { stopsBeforeClient } from "./points.ts";
import type { CutPoint } from "./points.ts";

const decode = <Frame>(data: string | Uint8Array): readonly Frame[] =>
  [JSON.parse(typeof data === "string" ? data : fromUtf8(data)) as Frame | Frame[]].flat() as Frame[];
const hello: ClientFrame = { type: "Hello", protocol: 1, slices: {}, targets: [] };
const unsubscribe = (ref: number): ClientFrame => ({ type: "Unsubscribe", target: "t", ref });
const pong: ServerFrame = { type: "Pong" };
const closing: ServerFrame = { type: "Closing", code: "stopping", retryable: true, within: 0 };

/** A link, and what each of its ends hears, in order. */
function linked(more: Partial<LinkOptions> = {}) {
  const clock = virtualClock();
  const heard: string[] = [];
  let connection: Connection | undefined;
  const link = new Link({
    clock,
    latency: undefined,
    format: "json",
    request: { url: "/", headers: {}, remoteAddress: undefined },
    decodeClient: decode,
    decodeServer: decode,
    cutHere: () => false,
    handlers: {
      open: () => heard.push("client: open"),
      receive: (data) => heard.push(`client: ${decode<ServerFrame>(data as string)[0]!.type}`),
      close: ({ code, reason }) => heard.push(`client: closed ${code} ${reason}`),
    },
    server: {
      connect(wired) {
        heard.push(`server: connect ${wired.format} ${wired.request.url}`);
        ({ connection } = wired);
        return {
          incoming: (data) =>
            void heard.push(
              `server: ${String((decode<ClientFrame>(data)[0] as { ref?: number }).ref ?? "Hello")}`,
            ),
          disconnect: (code, reason) => void heard.push(`server: gone ${code} ${reason}`),
          drained: () => void heard.push("server: drained"),
          received() {},
        };
      },
    },
    ...more,
  });
  const say = (frame: ServerFrame, text = true): void =>
    connection!.send({ bytes: Buffer.from(JSON.stringify(frame)), text });
  const send = (...frames: ClientFrame[]): void => {
    for (const frame of frames) link.send(JSON.stringify(frame));
  };
  /** What was heard since. */
  const since = (): string[] => heard.splice(0);
  return { clock, link, since, say, send, connection: () => connection! };
}
const opened = (more: Partial<LinkOptions> = {}) => {
  const made = linked(more);
  made.link.open();
  made.since();
  return made;
};

describe("a link's ends", () => {
  test("are both there from its opening on, in which the server hears of it first", () => {
    const { link, since } = linked();
    expect([link.whole, link.held]).toEqual([false, true]);
    link.open();
    expect([link.whole, link.held]).toEqual([true, true]);
    expect(since()).toEqual(["server: connect json /", "client: open"]);
    expect(link.server).toBe(link.server);
  });

  test("are not made for a client that has left before", () => {
    const { link, since } = linked();
    link.close();
    link.open();
    expect([since(), link.whole, link.held]).toEqual([[], false, false]);
  });

  test("[CV2] are told of the end by whom it breaks for, once, and each by itself", () => {
    const server = opened();
    server.send(unsubscribe(1));
    server.link.breakForServer(4000);
    server.link.breakForServer();
    server.send(unsubscribe(2));
    server.link.toServer.deliver();
    expect([server.since(), server.link.whole, server.link.held]).toEqual([
      ["server: gone 4000 "],
      false,
      true,
    ]);
    const client = opened();
    client.say(pong);
    client.link.breakForClient(4000);
    client.link.breakForClient();
    client.say(pong);
    client.link.toClient.deliver();
    expect([client.since(), client.link.whole, client.link.held]).toEqual([
      ["client: closed 4000 "],
      false,
      false,
    ]);
    // The server has noticed nothing: what was sent to it arrives.
    client.send(unsubscribe(3));
    client.link.toServer.deliver();
    expect(client.since()).toEqual(["server: 3"]);
    const both = opened();
    both.link.breakForServer();
    both.link.breakForClient();
    expect(both.since()).toEqual(["server: gone 1006 ", "client: closed 1006 "]);
  });

  test("close behind what they have said: the server hears why, the client that closes hears nothing", () => {
    const { link, since, send, say } = opened();
    send(unsubscribe(1));
    link.close(true);
    link.close();
    say(pong);
    link.toClient.deliver();
    expect(since()).toEqual([]);
    link.toServer.deliver();
    expect(since()).toEqual(["server: 1", "server: gone 1000 "]);
  });

  test("close with another code where the client comes back", () => {
    const { link, since } = opened();
    link.close();
    link.toServer.deliver();
    expect(since()).toEqual(["server: gone 4001 "]);
  });

  test("that the server closes: the client hears code and reason behind what was said, and the server of its end then", () => {
    const { link, since, say, connection } = opened();
    say(pong);
    connection().close(4001, "superseded");
    expect(since()).toEqual([]);
    link.toClient.deliver();
    expect(since()).toEqual(["client: Pong", "client: closed 4001 superseded", "server: gone 4001 "]);
    link.close();
    link.breakForClient();
    link.breakForServer();
    expect(since()).toEqual([]);
  });
});

describe("a page that is gone", () => {
  test("hears nothing more; what it has sent still arrives, and nobody closes", () => {
    const { link, since, send, say } = opened();
    send(unsubscribe(1));
    say(pong);
    link.abandon();
    link.toClient.deliver();
    link.toServer.deliver();
    expect([since(), link.held]).toEqual([["server: 1"], false]);
    link.breakForClient();
    expect(since()).toEqual([]);
  });

  test("[CV6] whose Hello is under way is not let in: it would take over from the next page", () => {
    const { link, since, send } = opened();
    send(hello, unsubscribe(1));
    link.abandon();
    link.toServer.deliver();
    expect(since()).toEqual(["server: gone 1006 "]);
  });
});

describe("what a network does to packets", () => {
  test("[CV2] doubles no Hello, loses no last word, and lets nothing overtake a Closing", () => {
    const { link, since, send, say } = opened();
    send(hello, unsubscribe(1));
    expect([link.toServer.duplicate(0), link.toServer.duplicate(1), link.toServer.drop(0)]).toEqual([
      false,
      true,
      true,
    ]);
    link.toServer.deliver();
    expect(since()).toEqual(["server: 1", "server: 1"]);
    say(closing);
    say(pong);
    say(closing);
    expect([link.toClient.drop(0), link.toClient.reorder(1)]).toEqual([false, false]);
    expect([link.toClient.drop(1), link.toClient.duplicate(0)]).toEqual([true, true]);
    link.toClient.deliver();
    expect(since()).toEqual(["client: Closing", "client: Closing", "client: Closing"]);
  });

  test("is told by the frames that reached the client last, in front of which packet it is to be cut", () => {
    const reached: boolean[] = [];
    let armed: CutPoint | undefined;
    const { link, since, send, say } = opened({
      cutHere(at) {
        const here = armed !== undefined && at(armed);
        reached.push(here);
        return here;
      },
    });
    armed = "before-catch-up";
    const settled = {
      type: "Settled",
      target: "t",
      ref: 1,
      sequence: 0,
      next: 1,
      outcomes: [],
      resync: "snapshot",
      reason: "first",
    } as const;
    const snapshot = { type: "Snapshot", target: "t", sequence: 0, mark: 0, version: 1, model: 1 } as const;
    for (const frame of [snapshot, settled, pong, snapshot, settled, snapshot, pong]) say(frame);
    link.toClient.deliver();
    expect(reached).toEqual([false, false, false, false, false, true]);
    expect(since().slice(-3)).toEqual(["client: Settled", "server: gone 1006 ", "client: closed 1006 "]);
    expect(stopsBeforeClient("before-catch-up", [snapshot], "Settled")).toBe(true);
    send(unsubscribe(1));
    link.toServer.deliver();
    expect(since()).toEqual([]);
  });

  test("takes as long as it takes, and a slow line counts what waits and tells when it has left", async () => {
    const { clock, link, since, say, connection } = opened({ latency: () => 10 });
    const size = Buffer.byteLength(JSON.stringify(pong));
    link.throttle.slow(1, 1_000);
    say(pong);
    say(pong);
    connection().close(4001, "bye");
    expect(connection().bufferedAmount()).toBe(2 * size);
    await clock.advance(size + 10);
    expect([since(), connection().bufferedAmount()]).toEqual([["client: Pong"], size]);
    await clock.advance(size);
    expect(since()).toEqual([
      "server: drained",
      "client: Pong",
      "client: closed 4001 bye",
      "server: gone 4001 ",
    ]);
  });

  test("carries bytes as bytes, and a pause of the server's holds up what is sent to it", () => {
    const data: unknown[] = [];
    const { link, since, send, say, connection } = opened({
      handlers: { open() {}, receive: (given) => void data.push(given), close() {} },
    });
    say(pong, false);
    say(pong);
    link.toClient.deliver();
    expect(data).toEqual([Buffer.from(JSON.stringify(pong)), JSON.stringify(pong)]);
    connection().pause!();
    send(unsubscribe(1));
    link.toServer.deliver();
    expect(since()).toEqual([]);
    connection().resume!();
    expect(since()).toEqual(["server: 1"]);
  });
});

test("a packet is decoded when it is first looked at, once", () => {
  let times = 0;
  const packet = packetOf("[1,2]", (data) => {
    times++;
    return JSON.parse(data as string) as number[];
  });
  expect(times).toBe(0);
  expect([packet.frames, packet.frames, packet.data, packet.end]).toEqual([
    [1, 2],
    [1, 2],
    "[1,2]",
    undefined,
  ]);
  expect(times).toBe(1);
  expect(fromUtf8(Uint8Array.of(0xc3, 0xa9))).toBe("é");
});

test("a last word is what a server says once, whatever it is asked", () => {
  const rejected = { type: "Rejected", target: "t", mid: 1, id: "a", from: "calla", details: {} } as const;
  const frames: readonly [ServerFrame, boolean][] = [
    [pong, false],
    [closing, true],
    [{ type: "Version", protocol: 1, slices: {}, terminal: true }, true],
    [{ type: "Unsubscribed", target: "t", ref: 1, code: "forbidden", retryable: false }, true],
    [{ ...rejected, code: "mid-conflict" }, true],
    [{ ...rejected, code: "forbidden" }, false],
  ];
  for (const [frame, last] of frames) expect([frame.type, isLastWord(frame)]).toEqual([frame.type, last]);
});
