import { expect, it } from "vitest";
import type { Scenario, Step } from "../recording/recording.ts";
import { partsOfFrame, scriptOf, type Act } from "./script.ts";

const scenario = (...steps: Step[]): Scenario => ({ scenario: "s", about: "", steps });
const open: Step[] = [
  { do: "upgrade", path: "/socket/websocket" },
  { hear: "upgraded", headers: {} },
];
const text = (...frame: unknown[]): Step => ({ do: "text", text: JSON.stringify(frame) });
const reply = (ref: string): Step => ({ hear: "text", json: ["1", ref, "t", "phx_reply", {}] });
const causesOf = ({ acts }: { acts: readonly Act[] }): unknown[] =>
  acts.flatMap((act) => (act.act === "hear" ? [act.causes] : []));

it("lets a reply follow what it replies to, and all else what was done before", () => {
  const script = scriptOf(
    scenario(
      ...open,
      text("1", "2", "t", "slow", {}),
      text("1", "3", "t", "echo", {}),
      reply("3"),
      { hear: "text", json: ["1", null, "t", "pushed", {}] },
      reply("2"),
    ),
  );
  // Acts 2 and 3 are the texts.
  expect(causesOf(script)).toEqual([[], [3], [2, 3], [2]]);
});

it("cuts raw bytes into the frames that a server reads, and leaves pauses out", () => {
  const script = scriptOf(
    scenario(...open, { do: "raw", hex: "8182000000003132818000000000" }, { do: "pause", ms: 5 }),
  );
  expect(script.acts.map(({ act }) => act)).toEqual(["open", "hear", "frame", "frame"]);
});

it("can be had over the other transport where it is text alone, and a status over LongPoll only", () => {
  const polled: Step = { do: "longpoll", path: "/socket/longpoll" };
  expect(scriptOf(scenario(...open, text(null, "1", "t", "e", {}))).over).toEqual(["websocket", "longpoll"]);
  expect(scriptOf(scenario(...open, { do: "binary", hex: "00" })).over).toEqual(["websocket"]);
  expect(scriptOf(scenario(polled, { hear: "status", status: 408 })).over).toEqual(["longpoll"]);
});

it("does not wait to see that a client polls no more", () => {
  const script = scriptOf(
    scenario({ do: "longpoll", path: "/" }, { hear: "upgraded", headers: {} }, { do: "vanish" }),
  );
  expect(script.acts.map(({ act }) => act)).toEqual(["open", "hear"]);
});

it("knows the parts of a frame of both versions, and what is none", () => {
  const parts = { joinRef: "1", ref: "2", topic: "t", event: "e", payload: null };
  expect(partsOfFrame(["1", "2", "t", "e", null])).toEqual(parts);
  expect(partsOfFrame({ join_ref: "1", ref: "2", topic: "t", event: "e", payload: null })).toEqual(parts);
  for (const none of [null, 1, "s", ["1", "2", "t", "e"], { topic: "t" }])
    expect(partsOfFrame(none)).toBeUndefined();
});
