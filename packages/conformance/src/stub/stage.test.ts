import { afterEach, expect, it } from "vitest";
import { PassingTime } from "../../test/passing-time.ts";
import type { Hearing, Json } from "../recording/recording.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "../wire/frame.ts";
import { castOf } from "./cast.ts";
import type { Line } from "./line.ts";
import { Stage, type Unrecorded } from "./stage.ts";

const stages: Stage[] = [];
afterEach(() => {
  for (const stage of stages.splice(0)) stage.end();
});

function staged(...only: string[]) {
  const unrecorded: Unrecorded[] = [];
  const time = new PassingTime();
  const stage = new Stage({
    scripts: castOf(undefined, only),
    host: "host:1",
    time,
    onUnrecorded: (what) => unrecorded.push(what),
    onSaid: () => undefined,
  });
  stages.push(stage);
  let lines = 0;
  const opened = (path = "/socket/websocket?vsn=2.0.0") => {
    const heard: Json[] = [];
    lines += 1;
    const line: Line = {
      number: lines,
      opening: { over: "websocket", path, headers: HEADERS, behind: "" },
      said: 0,
      over: false,
      hear: (hearing: Hearing) =>
        void heard.push(
          hearing.hear === "text" ? hearing.json : `${hearing.hear} ${"code" in hearing ? hearing.code : ""}`,
        ),
    };
    stage.opened(line);
    const says = (...frame: Json[]): boolean => stage.says(line, frameOf(JSON.stringify(frame)));
    return { line, heard, says };
  };
  return { stage, time, unrecorded, opened };
}

const HEADERS = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "k",
};
const frameOf = (text: string): Frame =>
  new FrameReader().read(writeFrame(OPCODE.text, Buffer.from(text)))[0] as Frame;
const ok = (ref: string, topic: string, response: Json = {}, joinRef: Json = "1"): Json => [
  joinRef,
  ref,
  topic,
  "phx_reply",
  { status: "ok", response },
];

it("[KT8] follows what a client says to the one conversation that has it", () => {
  const { stage, opened } = staged();
  const a = opened();
  expect(a.says("1", "1", "room:reply-list", "phx_join", {})).toBe(true);
  expect(a.says("1", "2", "room:reply-list", "reply_list", {})).toBe(true);
  expect(a.heard).toEqual([ok("1", "room:reply-list"), ok("2", "room:reply-list", [1, 2])]);
  expect(stage.playsOf(a.line).map(({ script }) => script.name)).toEqual(["reply-list"]);
});

it("[KT9] has under a client's names whatever it goes on to, though Phoenix said things there in two orders", () => {
  const { opened, unrecorded } = staged("presence-update", "presence-track-twice", "presence-untrack");
  for (const [event, response] of [
    ["track_again", "already_tracked"],
    ["untrack", undefined],
  ] as const) {
    const a = opened();
    a.says("1", "1", `room:mine-${event}`, "phx_join", {});
    a.says("1", "2", `room:mine-${event}`, "track", { key: "anna", meta: { v: 1 } });
    expect(a.heard).toHaveLength(3);
    const meta = event === "untrack" ? {} : { meta: { v: 2 } };
    expect(a.says("1", "3", `room:mine-${event}`, event, { key: "anna", ...meta })).toBe(true);
    expect(JSON.stringify(a.heard[3])).toContain(response ?? '"ok"');
  }
  expect(unrecorded).toEqual([]);
});

it("[KT9] has heartbeats and other topics beside a conversation, without losing it", () => {
  const { opened, unrecorded } = staged();
  const a = opened();
  a.says("1", "1", "room:one", "phx_join", {});
  a.says("2", "2", "room:two", "phx_join", {});
  for (const ref of ["3", "4", "5"]) a.says(null, ref, "phoenix", "heartbeat", {});
  a.says("1", "6", "room:one", "reply_list", {});
  a.says("2", "7", "room:two", "reply_null", {});
  expect(unrecorded.map(({ did }) => did)).toEqual([]);
  expect(a.heard.slice(-2)).toEqual([ok("6", "room:one", [1, 2]), ok("7", "room:two", null, "2")]);
});

it("[KT9] lets a topic begin again once it was refused or closed, and not before", () => {
  const { opened, unrecorded } = staged();
  const a = opened();
  a.says("1", "1", "room:one", "phx_join", { mode: "error" });
  a.says("2", "2", "room:one", "phx_join", {});
  expect(a.heard.at(-1)).toEqual(ok("2", "room:one", {}, "2"));
  a.says("6", "6", "room:two", "phx_join", {});
  a.says("6", "7", "room:two", "reply_null", {});
  // Recorded on a topic that is not joined, and answered there that it is none.
  expect(a.says("6", "8", "room:two", "echo", {})).toBe(false);
  expect(unrecorded).toHaveLength(1);
  a.says("2", "4", "room:one", "stop_normal", {});
  expect(a.heard.at(-1)).toEqual(["2", "2", "room:one", "phx_close", {}]);
  expect(a.says("5", "5", "room:one", "phx_join", {})).toBe(true);
});

it("[KT8] joins connections that talk of one topic, and lets them hear each other", () => {
  const { opened } = staged();
  const [a, b, c] = [opened(), opened(), opened()];
  a.says("1", "1", "room:both", "phx_join", {});
  c.says("1", "1", "room:else", "phx_join", {});
  b.says("1", "1", "room:both", "phx_join", {});
  a.says("1", "2", "room:both", "broadcast_from", { x: 1 });
  expect(b.heard.at(-1)).toEqual([null, null, "room:both", "bcast", { x: 1 }]);
  expect(c.heard).toHaveLength(1);
});

it("[KT8] knows a conversation whose connections overtake each other", () => {
  const { opened, unrecorded } = staged();
  const [a, b] = [opened(), opened()];
  b.says("7", "7", "room:broadcast-two", "phx_join", {});
  a.says("1", "1", "room:broadcast-two", "phx_join", {});
  a.says("1", "2", "room:broadcast-two", "broadcast_from", { x: 1 });
  expect(b.heard).toEqual([
    ok("7", "room:broadcast-two", {}, "7"),
    [null, null, "room:broadcast-two", "bcast", { x: 1 }],
  ]);
  expect(a.heard).toHaveLength(2);
  expect(unrecorded).toEqual([]);
});

it("[KT8] lets time pass for what comes later, and not for who has said something meanwhile", async () => {
  const { opened, time } = staged("idle-timeout");
  const [a, b] = [opened("/quick/websocket?vsn=2.0.0"), opened("/quick/websocket?vsn=2.0.0")];
  b.says(null, "1", "phoenix", "heartbeat", {});
  await pass(time, 1400);
  expect(a.heard).toEqual([]);
  await pass(time, 200);
  expect(a.heard).toEqual(["close 1002"]);
  expect(b.heard).toEqual([]);
});

it("[KT10] tells what nobody recorded, with what it was until then", () => {
  const { opened, unrecorded } = staged("client-kick");
  const a = opened();
  a.says("1", "1", "room:lobby", "phx_join", {});
  expect(a.says("1", "2", "room:lobby", "dance", {})).toBe(false);
  expect(a.heard).toHaveLength(1);
  expect(unrecorded.map(({ until }) => until.map(({ script }) => script.name))).toEqual([["client-kick"]]);
});

it("[KT10] answers nothing more of a topic whose join nobody recorded", () => {
  const { opened, unrecorded } = staged();
  const a = opened();
  a.says("1", "1", "room:one", "phx_join", { mode: "unheard_of" });
  // On a topic that is not joined these are recorded.
  a.says("1", "2", "room:one", "phx_leave", {});
  a.says("1", "3", "room:one", "echo", {});
  expect(a.heard).toEqual([]);
  expect(unrecorded).toHaveLength(3);
});

it("forgets a connection that is gone", () => {
  const { stage, opened } = staged();
  const a = opened();
  a.says("1", "1", "room:one", "phx_join", {});
  stage.gone(a.line);
  expect(stage.playsOf(a.line)).toEqual([]);
  expect(stage.decided()).toEqual([]);
});

/** Without a server to be asked whether all has arrived. */
async function pass(time: PassingTime, ms: number): Promise<void> {
  await time.advance(time.now() + ms);
}
