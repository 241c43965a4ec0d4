import { LongPoll, Socket, type Channel } from "phoenix";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startStub, type Stub, type StubOptions } from "./start-stub.ts";

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function started(options: StubOptions = {}): Promise<Stub> {
  const stub = await startStub(options);
  closing.push(() => stub.close());
  return stub;
}

/** phoenix.js itself. */
function phoenixJs(stub: Stub, transport: unknown = WebSocket): Socket {
  const socket = new Socket(stub.url.replace("ws:", transport === LongPoll ? "http:" : "ws:"), {
    transport: transport as typeof LongPoll,
    reconnectAfterMs: () => 10,
    rejoinAfterMs: () => 10,
  });
  closing.push(() => new Promise<void>((resolve) => socket.disconnect(resolve)));
  socket.connect();
  return socket;
}

/** What phoenix.js has and its types have not. */
const withTypes = (
  of: Socket | Channel,
): { onClose(closed: () => void): void; ping(answered: (ms: number) => void): boolean; joinRef(): string } =>
  of as never;

const heard = (push: ReturnType<Channel["push"]>): Promise<unknown> =>
  new Promise((resolve, reject) => {
    push.receive("ok", resolve).receive("teapot", resolve);
    push.receive("error", (response) => reject(new Error(JSON.stringify(response))));
    push.receive("timeout", () => reject(new Error("timed out")));
  });

describe.each([
  ["WebSocket", WebSocket],
  ["LongPoll", LongPoll],
])("phoenix.js over %s", (_, transport) => {
  it("[KT8] [KT9] has a recorded conversation on a topic of its own, under its own refs", async () => {
    const stub = await started();
    const socket = phoenixJs(stub, transport);
    const channel = socket.channel("room:lobby");
    const pushed = new Promise((resolve) => void channel.on("pushed", resolve));
    const closed = new Promise<void>((resolve) => void withTypes(channel).onClose(() => resolve()));
    expect(await heard(channel.join())).toEqual({});
    expect(await heard(channel.push("echo", { n: 1 }))).toEqual({ n: 1 });
    expect(await heard(channel.push("push_reply", { n: 2 }))).toEqual({});
    expect(await pushed).toEqual({ n: 2 });
    expect(await heard(channel.push("custom", {}))).toEqual({ a: 1 });
    expect(await heard(channel.leave())).toEqual({});
    await closed;
    // phoenix.js does not wait for the answer to a leave.
    await expect
      .poll(() => stub.report())
      .toMatchObject({
        conversations: [{ name: "client-join-push-leave", said: 5, of: 5 }],
        unrecorded: [],
      });
  });

  it("[KT8] [KT9] hears what another client broadcasts", async () => {
    const stub = await started();
    const [anna, bert] = [phoenixJs(stub, transport), phoenixJs(stub, transport)].map((socket) =>
      socket.channel("room:both"),
    ) as [Channel, Channel];
    await heard(anna.join());
    await heard(bert.join());
    const received = new Promise((resolve) => void bert.on("bcast", resolve));
    expect(await heard(anna.push("broadcast_from", { x: 1 }))).toEqual({});
    expect(await received).toEqual({ x: 1 });
  });

  it("[KT9] has conversations on several topics side by side, and leaves one for another", async () => {
    const stub = await started();
    const socket = phoenixJs(stub, transport);
    const refused = socket.channel("room:closed", { mode: "error" });
    const open = socket.channel("room:open");
    const joined = heard(open.join());
    await expect(heard(refused.join())).rejects.toThrow('{"reason":"unauthorized"}');
    refused.leave();
    await joined;
    await heard(open.push("echo", { n: 1 }));
    await new Promise((resolve) => void withTypes(socket).ping(resolve));
    await heard(open.push("push_reply", { n: 2 }));
    expect(stub.report().unrecorded.map(({ said }) => said)).toEqual([]);
  });
});

it("[KT10] does not answer what nobody recorded, and tells what a recorded client says there", async () => {
  const events: string[] = [];
  const stub = await started({ only: ["client-kick"], onEvent: (event) => events.push(event) });
  const socket = phoenixJs(stub);
  const channel = socket.channel("room:lobby");
  await heard(channel.join());
  await expect(heard(channel.push("dance", {}, 50))).rejects.toThrow("timed out");
  const ref = withTypes(channel).joinRef();
  expect(stub.report()).toMatchObject({
    conversations: [{ name: "client-kick", said: 1, of: 2 }],
    unrecorded: [{ until: ["client-kick"], instead: [`["${ref}","8","room:lobby","stop_normal",{}]`] }],
  });
  expect(events.at(-1)).toMatch(
    /^\d+ ! not recorded, so not answered: .*"dance".* \(until here it was as client-kick; there a client says .*"stop_normal".*\)$/,
  );
});

it("[KT10] says so to a request and a handshake that nobody recorded", async () => {
  const stub = await started();
  const { host } = new URL(stub.url);
  for (const path of ["/live/websocket", "/live/longpoll"]) {
    const answer = await fetch(`http://${host}${path}`);
    expect([answer.status, await answer.text()]).toEqual([
      501,
      expect.stringMatching(/nothing like this was recorded/),
    ]);
  }
  const refused = new WebSocket(`ws://${host}/live/websocket?vsn=2.0.0`);
  const status = await new Promise((resolve) => {
    refused.once("unexpected-response", (_, response) => resolve(response.statusCode));
  });
  expect(status).toBe(501);
  const report = await fetch(`http://${host}/report`);
  expect(await report.json()).toMatchObject({ conversations: [], unrecorded: [{}, {}, {}] });
  const list = await fetch(`http://${host}/conversations`);
  expect(await list.json()).toHaveLength(358);
});

it("[KT10] never takes a topic for unjoined again while it is joined", async () => {
  const stub = await started();
  const channel = phoenixJs(stub).channel("room:mine");
  await heard(channel.join());
  // Recorded on a topic that is not joined; answered as there, it would be a lie.
  await expect(heard(channel.push("nothing_recorded", {}, 50))).rejects.toThrow("timed out");
});

it("refuses a conversation that it has not", async () => {
  await expect(startStub({ only: ["dance"] })).rejects.toThrow("No conversation is recorded as dance.");
});
