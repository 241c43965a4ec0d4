// What a check that is code talks through, against the recorded Phoenix.
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Json } from "../recording/recording.ts";
import { startStub, type Stub } from "../stub/start-stub.ts";
import { CheckPeer, Wrong } from "./peer.ts";
import { targetOf } from "./target.ts";

let stub: Stub;
const peers: CheckPeer[] = [];
beforeAll(async () => {
  stub = await startStub();
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.end();
});
afterAll(async () => {
  await stub.close();
});

function peerOf(): CheckPeer {
  const peer = new CheckPeer("XX1", "strict", { ...targetOf(stub.url), patience: 300 });
  peers.push(peer);
  return peer;
}
const WS = "/socket/websocket?vsn=2.0.0";
const heartbeat = (ref: string): Json => [null, ref, "phoenix", "heartbeat", {}];
const answer = (ref: string): Json => [null, ref, "phoenix", "phx_reply", { status: "ok", response: {} }];
const wrong = async (what: Promise<unknown>): Promise<Wrong["failure"]> => {
  const thrown = await what.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Wrong);
  return (thrown as Wrong).failure;
};

it.each(["websocket", "longpoll"] as const)(
  "hears over %s what it expects, in order or in any",
  async (over) => {
    const socket = await peerOf()[over](`/socket/${over}?vsn=2.0.0`);
    socket.text(heartbeat("1"));
    await socket.hearsFrames(answer("1"));
    for (const ref of ["2", "3"]) socket.text(heartbeat(ref));
    await socket.hearsInAnyOrder(answer("3"), answer("2"));
    await expect(socket.hearsNothing(20)).resolves.toBeUndefined();
  },
);

it("throws with what was expected and what was heard, or that nothing was", async () => {
  const socket = await peerOf().websocket(WS);
  socket.text(heartbeat("1"));
  expect(await wrong(socket.hearsFrames(answer("2")))).toMatchObject({
    at: 2,
    expected: { hear: "text", json: answer("2") },
    heard: { hear: "text", json: answer("1") },
  });
  expect(await wrong(socket.hears({ hear: "close", code: 1000 }))).toEqual({
    at: 3,
    expected: { hear: "close", code: 1000 },
  });
  expect(await wrong(socket.next())).toMatchObject({ says: "Nothing more came in good time." });
  socket.text(heartbeat("2"));
  expect(await wrong(socket.hearsNothing(100))).toMatchObject({
    says: "It should have been silent for 100 ms.",
  });
  socket.text(heartbeat("3"));
  expect(await wrong(socket.hearsInAnyOrder(answer("4"), answer("3")))).toMatchObject({
    says: "Of 2 frames in any order, 1 had not been heard.",
  });
});

it("throws where it is not let in", async () => {
  expect(await wrong(peerOf().websocket("/socket/websocket?vsn=3.0.0"))).toMatchObject({
    says: "The connection is not let in.",
    heard: { hear: "answer", status: 403 },
  });
});

it("asks, plays a conversation, and fails by itself", async () => {
  const peer = peerOf();
  expect(await peer.ask({ method: "GET", path: "/quick/longpoll?vsn=2.0.0" })).toMatchObject({
    status: 200,
    json: { status: 410 },
  });
  await peer.play([
    { do: "upgrade", path: WS },
    { hear: "upgraded", headers: {} },
  ]);
  expect(await wrong(peer.play([{ do: "upgrade", path: WS }, { hear: "end" }]))).toMatchObject({
    who: "main",
    at: 1,
  });
  expect(() => peer.fail("It lies.")).toThrow("It lies.");
});

it("names topics that nobody else has", () => {
  const peer = peerOf();
  expect(peer.topic()).toMatch(/^room:XX1-[0-9a-f]{8}$/);
  expect(peer.topic("typed:")).toMatch(/^typed:/);
  expect(peer.topic()).not.toBe(peer.topic());
});

it("has on a session no more than a session has", async () => {
  const session = await peerOf().longpoll("/socket/longpoll?vsn=2.0.0");
  expect(() => session.binary(Buffer.of(1))).toThrow("Only a WebSocket can binary.");
});
