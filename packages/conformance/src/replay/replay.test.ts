import type { Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { json, stub, switching, type Stub } from "../../test/stub.ts";
import { readSuite } from "../recording/read-recordings.ts";
import type { Scenario, Step } from "../recording/recording.ts";
import { FrameReader, OPCODE, writeFrame } from "../wire/frame.ts";
import { replay } from "./replay.ts";

let server: Stub | undefined;
afterEach(async () => {
  await server?.close();
});

const scenario = (...steps: Step[]): Scenario => ({ scenario: "s", about: "", steps });
const options = { host: "127.0.0.1", patience: 300, settle: 100 };

/** A server that answers each text by these, `apart` ms from each other, and `order` keeps when. */
const echoing = async (
  answers: Readonly<Record<string, string[]>>,
  order: string[] = [],
  apart = 0,
): Promise<number> => {
  server = await stub((socket, _, accept) => {
    const reader = new FrameReader();
    socket.write(switching(accept));
    socket.on("data", (chunk) => {
      for (const { payload } of reader.read(chunk)) {
        order.push(`says ${payload}`);
        for (const [i, answer] of (answers[String(payload)] ?? []).entries()) {
          setTimeout(
            () => {
              order.push(`hears ${answer}`);
              socket.write(writeFrame(OPCODE.text, Buffer.from(answer), { masked: false }));
            },
            10 + i * apart,
          );
        }
      }
    });
  });
  return server.port;
};

const upgrade: Step[] = [
  { do: "upgrade", path: "/" },
  { hear: "upgraded", headers: {} },
];

it("says a thing once everything has been heard that was heard before it", async () => {
  const order: string[] = [];
  const port = await echoing({ "1": ['{"b":1,"a":[2]}'], "2": ['["{{any}} of it"]'] }, order);
  const differences = await replay(
    scenario(
      ...upgrade,
      { do: "text", text: "1" },
      { hear: "text", json: { a: [2], b: 1 } },
      { do: "text", text: "2" },
      { hear: "text", json: ["{{any}} it"] },
    ),
    { ...options, port },
  );
  expect(differences).toEqual([]);
  expect(order.map((what) => what.slice(0, 6))).toEqual(["says 1", "hears ", "says 2", "hears "]);
});

it("tells the first difference: another frame, one too few, one too many", async () => {
  const port = await echoing({ "1": ["[1]", "[2]"] });
  const one: Step = { do: "text", text: "1" };
  expect(
    await replay(scenario(...upgrade, one, { hear: "text", json: [1] }, { hear: "text", json: [3] }), {
      ...options,
      port,
    }),
  ).toMatchObject([expect.stringMatching(/^main, 3: .*\[2\].* where Phoenix says .*\[3\]/)]);
  expect(
    await replay(scenario(...upgrade, one, { hear: "text", json: [1] }), { ...options, port }),
  ).toMatchObject([expect.stringMatching(/^main, 3: .* where Phoenix says nothing$/)]);
  expect(
    await replay(scenario(...upgrade, one, ...[1, 2, 3].map((n): Step => ({ hear: "text", json: [n] }))), {
      ...options,
      port,
    }),
  ).toMatchObject([expect.stringMatching(/^main, 4: nothing, where Phoenix says/)]);
});

it("[KT3] takes what floats before or behind an answer, and what may be missing with or without it", async () => {
  const floating: Step = { hear: "text", json: ["f"], floats: true };
  const said = (...heard: Step[]): Scenario => scenario(...upgrade, { do: "text", text: "1" }, ...heard);
  const answer: Step = { hear: "text", json: ["a"] };
  const either = said(answer, floating, { hear: "text", json: ["b"] });
  const maybe = said(answer, { ...floating, maybe: true }, { hear: "text", json: ["b"] });
  const [a, b, f] = ['["a"]', '["b"]', '["f"]'];
  const heard: [Scenario, string[], number][] = [
    [either, [a, f, b], 0],
    [either, [f, a, b], 0],
    [either, [a, b, f], 0],
    [either, [f, b, a], 1],
    [either, [a, b], 1],
    [either, [a, f, f, b], 1],
    [maybe, [a, f, b], 0],
    [maybe, [a, b], 0],
    [maybe, [f, a, b], 0],
    [maybe, [f, a], 1],
    [maybe, [a, b, b], 1],
  ];
  for (const [expected, answers, wrong] of heard) {
    const port = await echoing({ "1": answers });
    expect(await replay(expected, { ...options, port }), answers.join()).toHaveLength(wrong);
    await server?.close();
  }
  // What may be missing has come, and what must come is still waited for.
  const port = await echoing({ "1": [f, a, b] }, [], 40);
  expect(await replay(maybe, { ...options, port, settle: 0 })).toEqual([]);
});

it("[KT1] tells what came too late, though it came, for what stands behind it was not said", async () => {
  const port = await echoing({ "1": ["[0]", "[1]"] }, [], 250);
  const late = scenario(
    ...upgrade,
    { do: "text", text: "1" },
    { hear: "text", json: [0] },
    { hear: "text", json: [1] },
    { do: "text", text: "2" },
    { hear: "text", json: [2] },
  );
  expect(await replay(late, { ...options, port, patience: 150 })).toEqual([
    expect.stringMatching(/^main, 3: nothing, where Phoenix says .*\[1\]/),
  ]);
});

it("compares kinds, close codes, statuses and the headers of the protocol", async () => {
  const port = await echoing({ "1": ["[1]"] });
  for (const hearing of [
    { hear: "binary", hex: "5b315d" },
    { hear: "close", code: 1011 },
    { hear: "end" },
  ] satisfies Step[]) {
    expect(
      await replay(scenario(...upgrade, { do: "text", text: "1" }, hearing), { ...options, port }),
    ).toHaveLength(1);
  }
  expect(
    await replay(
      scenario(
        { do: "upgrade", path: "/" },
        { hear: "upgraded", headers: { "sec-websocket-protocol": "phoenix" } },
      ),
      { ...options, port },
    ),
  ).toHaveLength(1);
});

it("tells one close code from another", async () => {
  server = await stub((socket, _, accept) => {
    const close = writeFrame(OPCODE.close, Buffer.of(3, 233), { masked: false });
    socket.write(Buffer.concat([Buffer.from(switching(accept)), close]));
  });
  const { port } = server;
  const closing = (code: number): Promise<string[]> =>
    replay(scenario(...upgrade, { hear: "close", code }), { ...options, port });
  expect(await closing(1001)).toEqual([]);
  expect(await closing(1011)).toMatchObject([expect.stringMatching(/^main, 2: .*1001.*1011/)]);
});

it("knows a token from the answer that had it, and compares bodies by parsed frames", async () => {
  const asked: string[] = [];
  server = await stub((socket, head, _, body) => {
    asked.push(`${head.split(" ")[1]} ${body}`);
    socket.end(json({ status: 200, token: "a-token-of-this-run", messages: ['{"y":1,"x":2}', "no JSON"] }));
  });
  const { port } = server;
  const answer = {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    json: { status: 200, token: "{{token:1}}", messages: [{ x: 2, y: 1 }, "no JSON"] },
  };
  const steps: Step[] = [
    { who: "r1", do: "request", method: "GET", path: "/" },
    { who: "r1", hear: "answer", ...answer },
    { who: "r2", do: "request", method: "POST", path: "/?t={{token:1}}&u={{tampered:1}}", body: "{{y*3}}" },
    { who: "r2", hear: "answer", ...answer },
  ];
  expect(await replay(scenario(...steps), { ...options, port })).toEqual([]);
  expect(asked).toEqual(["/ ", "/?t=a-token-of-this-run&u=a-token-of-this-rxx yyy"]);
  const other = { ...answer, json: { ...answer.json, token: "{{token:2}}" } };
  expect(
    await replay(
      scenario(
        ...steps,
        { who: "r3", do: "request", method: "GET", path: "/" },
        { who: "r3", hear: "answer", ...other },
      ),
      {
        ...options,
        port,
      },
    ),
  ).toHaveLength(1);
  const lacking = { ...answer, headers: { ...answer.headers, "access-control-allow-origin": "*" } };
  expect(
    await replay(
      scenario(
        { who: "r1", do: "request", method: "GET", path: "/" },
        { who: "r1", hear: "answer", ...lacking },
      ),
      {
        ...options,
        port,
      },
    ),
  ).toHaveLength(1);
});

it("holds an answer that came too early against the server", async () => {
  const port = await echoing({ "1": ["[1]"] });
  const steps = (after: number): Step[] => [
    ...upgrade,
    { do: "text", text: "1" },
    { hear: "text", json: [1], after },
  ];
  expect(await replay(scenario(...steps(5)), { ...options, port })).toEqual([]);
  expect(await replay(scenario(...steps(500)), { ...options, port })).toHaveLength(1);
});

it("lets time pass for a pause, and for what takes its time, by the clock that it is given", async () => {
  const passed: number[] = [];
  let now = 0;
  let asked: (socket: Socket) => void = () => undefined;
  const waiting = new Promise<Socket>((resolve) => {
    asked = resolve;
  });
  server = await stub((socket) => asked(socket));
  const time = {
    now: () => now,
    pass: async (ms: number) => {
      passed.push(ms);
      now += ms;
      if (now >= 900) (await waiting).end(json({ status: 204 }));
    },
  };
  const answer = {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    json: { status: 204 },
    after: 600,
  };
  const steps: Step[] = [
    { do: "pause", ms: 250 },
    { who: "r1", do: "request", method: "GET", path: "/" },
    { who: "r1", hear: "answer", ...answer },
  ];
  expect(await replay(scenario(...steps), { ...options, port: server.port, time })).toEqual([]);
  // What comes later than it was recorded is waited for in small steps.
  expect(passed.slice(0, 3)).toEqual([250, 600, 60]);
});

it("refuses a recording whose steps belong to no scenario", () => {
  expect(() => readSuite("s", '{"do":"vanish"}\n')).toThrow("s, line 1: a step before the first scenario.");
});
