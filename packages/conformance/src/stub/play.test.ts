import { expect, it } from "vitest";
import type { Hearing, Step } from "../recording/recording.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "../wire/frame.ts";
import type { Line } from "./line.ts";
import { Play } from "./play.ts";
import { jsonOfFrame, scriptOf } from "./script.ts";

const lineOf = (path = "/socket/websocket?vsn=2.0.0"): Line => ({
  number: 1,
  opening: {
    over: "websocket",
    path,
    headers: {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "k",
    },
    behind: "",
  },
  said: 0,
  over: false,
  hear: () => undefined,
});
const saying = (text: string): { frame: Frame; json: ReturnType<typeof jsonOfFrame> } => {
  const frame = new FrameReader().read(writeFrame(OPCODE.text, Buffer.from(text)))[0] as Frame;
  return { frame, json: jsonOfFrame(frame) };
};
const heard = (json: Extract<Hearing, { hear: "text" }>["json"], more: object = {}): Step => ({
  hear: "text",
  json,
  ...more,
});
const play = (...steps: Step[]): Play =>
  Play.of(
    scriptOf({
      scenario: "s",
      about: "",
      steps: [
        { do: "upgrade", path: "/socket/websocket?vsn=2.0.0" },
        { hear: "upgraded", headers: {} },
        ...steps,
      ],
    }),
    "host:1",
  );
const text = (json: unknown): Step => ({ do: "text", text: JSON.stringify(json) });

it("says nothing before its cause, and then what it says in order", () => {
  const line = lineOf();
  const [joined] = play(text([1]), heard(["a"]), heard(["b"])).joinedBy(line);
  expect(joined?.due(0)).toBeUndefined();
  const next = joined?.says(line, saying("[1]"));
  const said: unknown[] = [];
  for (let due = next?.due(5); due !== undefined; due = next?.due(5)) said.push(next?.say(due));
  expect(said).toEqual([heard(["a"]), heard(["b"])]);
  expect(next?.over).toBe(true);
  // The way not taken is as it was.
  expect(joined?.due(0)).toBeUndefined();
});

it("says a thing no sooner than so long after the line last said something", () => {
  const line = lineOf();
  const next = play(text([1]), heard(["late"], { after: 100 }))
    .joinedBy(line)[0]
    ?.says(line, saying("[1]"));
  line.said = 40;
  expect(next?.due(50)?.at).toBe(140);
});

it("does not say a thing out of its turn, nor a second time", () => {
  const line = lineOf();
  const [joined] = play(text([1]), heard(["a"]), text([2])).joinedBy(line);
  expect(joined?.says(line, saying("[2]"))).toBeUndefined();
  const next = joined?.says(line, saying("[1]"));
  expect(next?.says(line, saying("[2]"))).toBeUndefined();
  next?.say(next.due(0) as NonNullable<ReturnType<Play["due"]>>);
  expect(next?.says(line, saying("[1]"))).toBeUndefined();
  expect(next?.says(line, saying("[2]"))?.over).toBe(true);
});

it("agrees with another way as long as that says the same", () => {
  const line = lineOf();
  const [one, other] = [play(text([1]), heard(["a"])), play(text([1]), heard(["b"]))].map((each) =>
    each.joinedBy(line)[0]?.says(line, saying("[1]")),
  );
  expect(one?.agrees(line, { hear: "text", json: ["b"] })).toBe(false);
  expect(other?.agrees(line, { hear: "text", json: ["b"] })).toBe(true);
  expect(other?.over).toBe(true);
});

it("is another where it was opened otherwise, and tells how far it has come", () => {
  expect(play(text([1])).joinedBy(lineOf("/socket/websocket?vsn=1.0.0"))).toEqual([]);
  expect(play(text([1])).joinedBy(lineOf("/socket/websocket?vsn=2.0.0&user=1"))[0]?.distance).toBe(1);
  const line = lineOf();
  const [joined] = play(text([1]), text([2])).joinedBy(line);
  expect(joined?.says(line, saying("[1]"))?.progress).toEqual({ done: 1, of: 2 });
});

it("takes requests in their order, each with the token that it was given", () => {
  const steps: Step[] = [
    { who: "r1", do: "request", method: "GET", path: "/lp" },
    { who: "r1", hear: "answer", status: 200, headers: {}, json: { token: "{{token:1}}" } },
    { who: "r2", do: "request", method: "GET", path: "/lp?token={{token:1}}" },
  ];
  const script = Play.of(scriptOf({ scenario: "s", about: "", steps }), "host:1");
  const asked = (path: string): Parameters<Play["asked"]>[1] => ({
    method: "GET",
    path,
    headers: {},
    body: "",
  });
  const [first, second]: Line[] = [lineOf(), lineOf()] as [Line, Line];
  expect(script.beginningWith(first, asked("/lp?token=other"))).toBeUndefined();
  const begun = script.beginningWith(first, asked("/lp"));
  const answer = begun?.say(begun.due(0) as NonNullable<ReturnType<Play["due"]>>) as {
    json?: { token: string };
  };
  expect(begun?.asked(second, asked("/lp?token=other"))).toBeUndefined();
  expect(begun?.asked(second, asked(`/lp?token=${answer.json?.token}`))?.over).toBe(true);
});
