import { expect, it } from "vitest";
import type { Hearing } from "../recording/recording.ts";
import type { Heard } from "../wire/raw-socket.ts";
import { asHearing, isAsRecorded } from "./compare.ts";

const answer = (headers: Readonly<Record<string, string>>, body = ""): Heard => ({
  heard: "answer",
  ms: 0,
  answer: { status: 200, headers, body: Buffer.from(body) },
});
const JSON_TYPE = { "content-type": "application/json" };

it("shows a thing heard in the form of a recording, of which it is then one", () => {
  const all: [Heard, Hearing][] = [
    [
      { heard: "text", ms: 0, text: '{"b":1,"a":2}' },
      { hear: "text", json: { a: 2, b: 1 } },
    ],
    [
      { heard: "text", ms: 0, text: "no JSON" },
      { hear: "text", json: "no JSON" },
    ],
    [
      { heard: "binary", ms: 0, bytes: Buffer.of(0, 255) },
      { hear: "binary", hex: "00ff" },
    ],
    [
      { heard: "close", ms: 0, code: 1001, reason: "any" },
      { hear: "close", code: 1001 },
    ],
    [
      { heard: "status", ms: 0, status: 408 },
      { hear: "status", status: 408 },
    ],
    [{ heard: "end", ms: 0 }, { hear: "end" }],
    [answer({ date: "today" }, "ok"), { hear: "answer", status: 200, headers: {}, body: "ok" }],
    [
      answer(JSON_TYPE, '{"messages":["[1]"]}'),
      { hear: "answer", status: 200, headers: JSON_TYPE, json: { messages: [[1]] } },
    ],
  ];
  for (const [heard, hearing] of all) {
    expect(asHearing(heard)).toEqual(hearing);
    expect(isAsRecorded(hearing, heard, 0, new Map())).toBe(true);
  }
});

it("takes no broken frame, and no handshake with a wrong answer, for anything recorded", () => {
  const broken = { heard: "broken", ms: 0, what: "a masked frame" } as const;
  expect(asHearing(broken)).toEqual({ hear: "broken", what: "a masked frame" });
  expect(isAsRecorded(asHearing(broken), broken, 0, new Map())).toBe(false);
  const handshake: Heard = {
    heard: "upgraded",
    ms: 0,
    accepted: false,
    answer: { status: 101, headers: {}, body: Buffer.alloc(0) },
  };
  expect(asHearing(handshake)).toEqual({
    hear: "broken",
    what: "a handshake with a wrong sec-websocket-accept",
  });
});
