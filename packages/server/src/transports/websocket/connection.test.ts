// A connection over a socket in memory: `ws` reads and answers as ever, and every byte can be seen. Over real sockets:
// websocket.test.ts.
import { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { WireFrame } from "../../base/connection.ts";
import { LinkedSocket, SocketConnection } from "./connection.ts";

/** What a peer does not take in waits here. */
class FakeSocket extends Duplex {
  readonly written: Buffer[] = [];
  readonly handle = { bytesWritten: 0, writeQueueSize: 0 };
  /** Set: nothing is taken until `takeIn`. */
  stuck = false;
  #waiting: (() => void)[] = [];
  _handle: object | undefined = this.handle;
  constructor() {
    super({ highWaterMark: 16_384 });
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    if (this.stuck) this.#waiting.push(done);
    else done();
  }
  takeIn(): void {
    this.stuck = false;
    for (const done of this.#waiting.splice(0)) done();
  }
}

const sockets: FakeSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A connection, what the server is told of it, and what its peer gets. */
function connected({ received = false, maxPayload = 100_000 } = {}) {
  const socket = new FakeSocket();
  sockets.push(socket);
  // As `ws` makes one for a server: no address, and a socket that was upgraded.
  const webSocket = new (LinkedSocket as unknown as new (
    address: null,
    protocols: undefined,
    options: object,
  ) => LinkedSocket)(null, undefined, { closeTimeout: 30_000 });
  const told: (readonly [what: string, ...more: unknown[]])[] = [];
  (webSocket as unknown as { setSocket(socket: Duplex, head: Buffer, options: object): void }).setSocket(
    socket,
    Buffer.alloc(0),
    { maxPayload, allowSynchronousEvents: true, skipUTF8Validation: false },
  );
  // Behind `ws`, whose listeners hear of everything first.
  const connection = new SocketConnection(webSocket, socket, () => void told.push(["gone"]));
  connection.start({
    incoming: (data) => void told.push(["incoming", typeof data === "string" ? data : [...data]]),
    disconnect: (code, reason) => void told.push(["disconnect", code, reason]),
    drained: () => void told.push(["drained"]),
    ...(received ? { received: (bytes, unfinished) => void told.push(["received", bytes, unfinished]) } : {}),
  });
  /** The peer's frame, masked as a client's must be. */
  const say = (opcode: number, payload: string | Uint8Array = ""): void => {
    socket.push(frame(opcode, payload));
  };
  return { connection, webSocket, socket, told, say, frames: () => framesOf(Buffer.concat(socket.written)) };
}
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

function frame(opcode: number, payload: string | Uint8Array): Buffer {
  const data = Buffer.from(payload);
  const head =
    data.length < 126
      ? [0x80 | opcode, 0x80 | data.length]
      : [0x80 | opcode, 0x80 | 126, data.length >> 8, data.length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), data]); // masked by zeros
}
/** Frames of the server as `[opcode, text]`. */
function framesOf(bytes: Buffer): (readonly [number, string])[] {
  const found: (readonly [number, string])[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]!;
    const [head, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, bytes.readUInt16BE(at + 2)]
          : [10, Number(bytes.readBigUInt64BE(at + 2))];
    const payload = bytes.subarray(at + head, at + head + length);
    const opcode = bytes[at]! & 15;
    found.push([
      opcode,
      opcode === CLOSE ? `${payload.readUInt16BE(0)} ${payload.subarray(2).toString()}` : payload.toString(),
    ]);
    at += head + length;
  }
  return found;
}
const text = (content: string): WireFrame => ({ bytes: Buffer.from(content), text: true });

describe("what the server says", () => {
  test("[TR8] waits for the end of the turn and leaves in its order, in one write; the next turn's in another", async () => {
    const { connection, socket, frames } = connected();
    for (const said of ["1", "2"]) connection.send(text(said));
    connection.send({ bytes: Uint8Array.of(51), text: false });
    expect([socket.written.length, connection.bufferedAmount()]).toEqual([0, 3 * (1 + 4)]);
    await turn();
    expect([socket.written.length, connection.bufferedAmount()]).toEqual([1, 0]);
    connection.send(text("4"));
    await turn();
    expect(socket.written).toHaveLength(2);
    expect(frames()).toEqual([
      [TEXT, "1"],
      [TEXT, "2"],
      [BINARY, "3"],
      [TEXT, "4"],
    ]);
    connection.flush();
    expect(socket.written).toHaveLength(2);
  });

  test("[TR11] is counted until it has been taken in, and drained is called once", async () => {
    const { connection, socket, told } = connected();
    socket.stuck = true;
    connection.send(text("x".repeat(20_000)));
    await turn();
    connection.send(text("y".repeat(100)));
    expect(connection.bufferedAmount()).toBe(20_004 + 104);
    socket.takeIn();
    await turn();
    expect([told, connection.bufferedAmount()]).toEqual([[["drained"]], 0]);
    socket.handle.bytesWritten = 30;
    socket.handle.writeQueueSize = 10;
    expect(connection.flushed()).toBe(20);
    socket._handle = undefined;
    expect(connection.flushed()).toBe(0);
  });

  test("[TR12] leaves before the close does; after it nothing does, and its drain is nobody's", async () => {
    const { connection, socket, frames, told } = connected();
    connection.send(text("last word"));
    connection.close(4001, "superseded");
    connection.send(text("late"));
    connection.close(4002, "again");
    await turn();
    expect(frames()).toEqual([
      [TEXT, "last word"],
      [CLOSE, "4001 superseded"],
    ]);
    socket.emit("drain");
    expect([told, connection.bufferedAmount()]).toEqual([[], 0]);
  });

  test("[TR13] to a socket that is closing already is dropped, not written behind the close", async () => {
    const { connection, webSocket, frames } = connected();
    connection.send(text("too late"));
    webSocket.close(1000);
    await turn();
    expect(frames()).toEqual([[CLOSE, "1000 "]]);
  });
});

describe("a close", () => {
  test.each([
    [1000, 1000],
    [1003, 1003],
    [1004, 1011],
    [1005, 1011],
    [1006, 1011],
    [1007, 1007],
    [1014, 1014],
    [1015, 1011],
    [999, 1011],
    [2999, 1011],
    [3000, 3000],
    [4999, 4999],
    [5000, 1011],
  ])("[TR12] code %i goes out as %i", async (code, sent) => {
    const { connection, frames } = connected();
    connection.close(code, "x");
    await turn();
    expect(frames()).toEqual([[CLOSE, `${sent} x`]]);
  });

  test("[TR12] has as much of its reason as fits, in whole characters", async () => {
    for (const [reason, sent] of [
      ["a".repeat(123), "a".repeat(123)],
      ["a".repeat(124), "a".repeat(123)],
      [`${"a".repeat(122)}é`, "a".repeat(122)],
      [`${"a".repeat(120)}€`, `${"a".repeat(120)}€`],
      ["😀".repeat(31), "😀".repeat(30)],
    ] as const) {
      const { connection, frames } = connected();
      connection.close(4000, reason);
      await turn();
      expect(frames()).toEqual([[CLOSE, `4000 ${sent}`]]);
    }
  });

  test("[OB13] for what is too large says why, unless somebody says otherwise", async () => {
    for (const [code, reason, sent] of [
      [1009, undefined, "1009 too-large"],
      [1009, "own", "1009 own"],
      [1000, undefined, "1000 "],
    ] as const) {
      const { webSocket, frames } = connected();
      webSocket.close(code, reason);
      await turn();
      expect(frames()).toEqual([[CLOSE, sent]]);
    }
  });

  test("[TR12] [TR13] is reported once, with the peer's code and reason, and nothing behind it", async () => {
    const { connection, say, told, socket } = connected();
    connection.send(text("never sent"));
    const reason = Buffer.concat([Buffer.from([4100 >> 8, 4100 & 255]), Buffer.from("bye")]);
    say(CLOSE, reason);
    await turn();
    socket.push(null);
    socket.destroy();
    await turn();
    expect(told).toEqual([["gone"], ["disconnect", 4100, "bye"]]);
    expect(connection.bufferedAmount()).toBe(0);
    socket.emit("data", frame(TEXT, "late"));
    connection.ended(1006, Buffer.alloc(0));
    expect(told.filter(([what]) => what === "disconnect")).toHaveLength(1);
  });

  test("[TR14] [TR15] of a peer that broke the rules is reported by the fault, not by the code", async () => {
    const large = connected({ maxPayload: 10 });
    large.say(TEXT, "x".repeat(11));
    await turn();
    large.socket.destroy();
    await turn();
    expect(large.told).toEqual([["gone"], ["disconnect", 1006, "too-large"]]);
    expect(large.frames()).toEqual([[CLOSE, "1009 too-large"]]);
    for (const [error, fault] of [
      [Object.assign(new Error("x"), { code: "ECONNRESET" }), "ECONNRESET"],
      [new Error("x"), "transport"],
    ] as const) {
      const broken = connected();
      broken.connection.failed(error);
      broken.connection.send(text("late"));
      broken.connection.ended(1006, Buffer.from("reason"));
      expect([broken.told.at(-1), broken.connection.bufferedAmount()]).toEqual([
        ["disconnect", 1006, fault],
        0,
      ]);
    }
  });
});

describe("what the peer says", () => {
  test("[TR10] comes in as text or bytes, and not any more once the server has closed", async () => {
    const { connection, say, told } = connected();
    say(TEXT, "ünï");
    say(BINARY, Uint8Array.of(0, 255));
    await turn();
    expect(told).toEqual([
      ["incoming", "ünï"],
      ["incoming", [0, 255]],
    ]);
    connection.close(4001, "bye");
    say(TEXT, "late");
    await turn();
    expect(told).toHaveLength(2);
  });

  test("[LM40] [LM41] is counted behind what it said: its bytes, 64 for each frame, and what is not whole", async () => {
    const { socket, told } = connected({ received: true });
    const whole = frame(TEXT, "abcd");
    socket.push(Buffer.concat([whole, whole]));
    await turn();
    expect(told).toEqual([
      ["incoming", "abcd"],
      ["incoming", "abcd"],
      ["received", 2 * whole.length + 2 * 64, 0],
    ]);
    told.length = 0;
    // The rest of one is another one than the one that was whole: it has its own time.
    socket.push(Buffer.concat([whole, whole.subarray(0, 8)]));
    await turn();
    expect(told[0]).toEqual(["incoming", "abcd"]);
    const [first, second] = told.slice(1) as unknown as [string, number, number][];
    expect([first![2], second![1], second![2] > 0]).toEqual([0, 0, true]);
    told.length = 0;
    socket.push(whole.subarray(8));
    await turn();
    expect(told[0]).toEqual(["incoming", "abcd"]);
    expect((told.at(-1) as unknown as [string, number, number])[2]).toBe(0);
  });

  test("nobody counts where nobody wants to know", async () => {
    const { say, told } = connected();
    say(TEXT, "a");
    await turn();
    expect(told).toEqual([["incoming", "a"]]);
  });

  test("[TR9] pings are answered with what they hold, but not one that reads nothing", async () => {
    const { connection, socket, say, frames } = connected();
    say(PING, "one");
    await turn();
    expect(frames()).toEqual([[PONG, "one"]]);
    socket.stuck = true;
    connection.send(text("x".repeat(70_000)));
    await turn();
    for (let i = 0; i < 5; i++) say(PING, "more");
    await turn();
    socket.takeIn();
    await turn();
    expect(frames().filter(([opcode]) => opcode === PONG)).toEqual([[PONG, "one"]]);
  });
});

describe("[TR18] beats", () => {
  test("ping a peer twice, and end one that has answered neither", async () => {
    const { connection, told, frames } = connected();
    connection.beat();
    connection.beat();
    await turn();
    expect(frames()).toEqual([
      [PING, ""],
      [PING, ""],
    ]);
    expect(told).toEqual([]);
    connection.beat();
    await turn();
    expect(told).toEqual([["gone"], ["disconnect", 1006, "heartbeat"]]);
  });

  test.each([
    ["a pong", PONG],
    ["a ping", PING],
    ["a message", TEXT],
  ])("go on with a peer that answers by %s", async (_, opcode) => {
    const { connection, say, told } = connected();
    for (let i = 0; i < 6; i++) {
      connection.beat();
      if (i % 2 === 1) say(opcode, "here");
      await turn();
    }
    expect(told.filter(([what]) => what !== "incoming")).toEqual([]);
  });

  test("[TR19] go on with a peer that is not read, and begin anew when it is", async () => {
    const { connection, told } = connected();
    connection.beat();
    connection.beat();
    connection.pause();
    connection.pause();
    for (let i = 0; i < 5; i++) connection.beat();
    connection.resume();
    connection.beat();
    connection.resume();
    connection.beat();
    connection.beat();
    await turn();
    expect(told).toEqual([]);
    connection.beat();
    await turn();
    expect(told.at(-1)).toEqual(["disconnect", 1006, "heartbeat"]);
  });

  test("go on with a peer that still takes in what was sent before them, and end one that does not", async () => {
    const { connection, socket, told } = connected();
    socket.stuck = true;
    connection.send(text("x".repeat(20_000)));
    await turn();
    for (let taken = 1; taken < 7; taken++) {
      socket.handle.bytesWritten = taken;
      connection.beat();
    }
    await turn();
    expect(told).toEqual([]);
    connection.beat();
    connection.beat();
    await turn();
    expect(told.at(-1)).toEqual(["disconnect", 1006, "heartbeat"]);
  });

  test("ping nobody who is closing", async () => {
    const { connection, frames } = connected();
    connection.close(4001, "bye");
    connection.beat();
    await turn();
    expect(frames()).toEqual([[CLOSE, "4001 bye"]]);
  });
});

describe("[TR19] pauses", () => {
  test("are counted: nothing is read until each is over, and one resume too many ends none", async () => {
    const { connection, webSocket, say, told } = connected();
    connection.resume();
    connection.pause();
    connection.pause();
    connection.resume();
    expect(webSocket.isPaused).toBe(true);
    say(TEXT, "unread");
    await turn();
    expect(told).toEqual([]);
    connection.resume();
    await turn();
    expect([webSocket.isPaused, told]).toEqual([false, [["incoming", "unread"]]]);
  });

  test("end with a close, so that its answer is read", async () => {
    const { connection, webSocket } = connected();
    connection.pause();
    connection.pause();
    connection.close(4001, "bye");
    expect(webSocket.isPaused).toBe(false);
    expect(webSocket.readyState).toBe(WebSocket.CLOSING);
  });
});

test("[TR14] what is cut without a word is reported as it is, and sends nothing more", async () => {
  const { connection, frames, told } = connected();
  connection.send(text("a"));
  connection.terminate();
  connection.send(text("b"));
  await turn();
  expect(frames()).toEqual([]);
  expect(told).toEqual([["gone"], ["disconnect", 1006, ""]]);
});
