// S47: more subscriptions than one Hello may name.
import { expect, test } from "vitest";
import { VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import { keyOf, note } from "./wiring.ts";

/** Polls ask for all of them again and again: fewer, and for a shorter time. */
const [TOPICS, WHILE] = VIA === "poll" ? [250, 5_000] : [1_000, 60_000];
const NAME = "x".repeat(240);
const many = Array.from({ length: TOPICS }, (_, at) => `${at}${NAME}`);

const hellos = (stage: Stage) =>
  stage.actors[0]!.said.filter((frame) => frame.type === "Hello").map((frame) => JSON.stringify(frame));

test.each<[string, { readonly maxHelloBytes?: number }]>([
  ["as much as the client thinks", {}],
  ["less than the client thinks", { maxHelloBytes: 10_000 }],
  // Of polls each would name one topic, and a round of them take minutes.
  ["next to nothing", { maxHelloBytes: VIA === "poll" ? 5_000 : 1_000 }],
])(
  "[S47] [CL20] [LM42] more topics with long names than a Hello holds, of a server that takes %s in a Hello: all are live, before and after the connection is lost",
  async (what, limits) => {
    // With the session one more; and each poll asks for all of them.
    const more = { maxTopicsPerConnection: TOPICS + 1, ...(VIA === "poll" ? { joinRate: Infinity } : {}) };
    const stage = new Stage({ limits: { ...more, ...limits } });
    const anna = await stage.actor("anna", { subscribes: false });
    const ben = await stage.actor("ben", { subscribes: false });
    const topics = many.map((id) => anna.client.topic(note, id));
    anna.pair.reachable = false;
    anna.pair.cut();
    for (const topic of topics) topic.retain();
    anna.pair.reachable = true;
    await stage.run(WHILE);
    expect(topics.filter(({ state }) => state.status !== "live")).toHaveLength(0);
    const most = Math.max(...hellos(stage).map(({ length }) => length));
    expect(most).toBeLessThanOrEqual(65_536);
    expect(most).toBeGreaterThan(50_000);
    // By halves, not by trying again and again.
    expect(
      hellos(stage).filter(({ length }) => length > (limits.maxHelloBytes ?? 65_536)).length,
    ).toBeLessThan(8);
    anna.pair.cut();
    await stage.run(WHILE / 2);
    const last = many.at(-1)!;
    stage.uses(last);
    ben.client.topic(note, last).dispatch({ type: "added", line: "here" });
    await stage.run(VIA === "poll" ? 5_000 : 1_000);
    expect(topics.filter(({ state }) => state.status !== "live")).toHaveLength(0);
    expect(topics.at(-1)!.state.model?.lines, `${what} ${keyOf(last).length}`).toEqual(["here"]);
    expect(anna.client.status.connection).toBe("open");
  },
  120_000,
);
