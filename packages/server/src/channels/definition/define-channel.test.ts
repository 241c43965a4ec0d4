// The builder: what it keeps, and what it refuses.
import { describe, expect, it } from "vitest";
import { reply as replied, talk } from "../../../test/phoenix-talk.ts";
import { createChannels, defineChannel, reply } from "../index.ts";

describe("defineChannel", () => {
  it("[DF1] a beginning can be shared", () => {
    const base = defineChannel("room:*").handleIn("both", () => reply());
    const left = base.handleIn("one", () => reply({ left: true }));
    const right = base.handleIn("one", () => reply({ right: true }));
    const client = talk(
      createChannels().register("left:*", left).register("right:*", right).register("base:*", base),
    );
    for (const name of ["left", "right", "base"]) client.join(`${name}:1`, name);
    const ask = (name: string) => client.say([name, "r", `${name}:1`, "one", {}]).at(-1);
    client.take();
    expect(ask("left")).toEqual(replied("left", "r", "left:1", "ok", { left: true }));
    expect(ask("right")).toEqual(replied("right", "r", "right:1", "ok", { right: true }));
    expect(ask("base")).toEqual(replied("base", "r", "base:1", "error", { reason: "unmatched event" }));
  });
  const loose = defineChannel("room:*") as unknown as Record<string, (...given: unknown[]) => never>;
  const run = () => undefined;
  it.each<[string, () => unknown]>([
    ["pattern", () => defineChannel("ro*m:x*")],
    ["handleIn", () => defineChannel("room:*").handleIn("a", run).handleIn("a", run)],
    ["handleBinary", () => defineChannel("room:*").handleBinary("a", run).handleBinary("a", run)],
    ["handleBinary", () => defineChannel("room:*").handleBinary(run).handleBinary(run)],
    ["handleOut", () => defineChannel("room:*").handleOut("a", run).handleOut("a", run)],
    ["join is there", () => loose["join"]!(run) && (loose["join"]!(run) as typeof loose)["join"]!(run)],
    ["phx_join", () => defineChannel("room:*").handleIn("phx_join", run)],
    ["phx_leave", () => defineChannel("room:*").handleIn("phx_leave", run)],
    ["function", () => loose["handleIn"]!("a", 7)],
    ["function", () => loose["joined"]!(7)],
    ["function", () => loose["terminate"]!()],
    ["Standard Schema", () => loose["handleIn"]!("a", {}, run)],
    ["Standard Schema", () => loose["join"]!({}, run)],
    ["name of an event", () => loose["handleIn"]!(7, run)],
  ])("[DF2] is refused with a sentence of %s", (word, define) => {
    expect(define).toThrow(new RegExp(word));
  });
  it("[DF2] half a segment is refused when it is registered, unless strictPhoenix", () => {
    const half = defineChannel("a:b*");
    expect(() => createChannels().register(half)).toThrow(/whole segment/);
    expect(talk(createChannels({ strictPhoenix: true }).register(half)).join("a:bc")).toEqual([
      replied("1", "1", "a:bc", "ok"),
    ]);
  });
  it("[DF3] params that are too many or too few are refused where types are not seen, too", () => {
    const channels = createChannels().register(defineChannel("room:*").says<{ said: { n: number } }>());
    const room = defineChannel("room:*").says<{ said: { n: number } }>();
    // @ts-expect-error -- reason: two params for one "*"
    expect(() => channels.broadcast(room, ["a", "b"], "said", { n: 1 })).toThrow(/room:\*/);
    // @ts-expect-error -- reason: none
    expect(() => channels.broadcast(room, [], "said", { n: 1 })).toThrow(/room:\*/);
    // @ts-expect-error -- reason: a text for the list
    expect(() => channels.broadcast(room, "lobby", "said", { n: 1 })).toThrow(
      'params is a list with a text for each "*" of "room:*": ["lobby"]',
    );
    expect(() => channels.broadcast(room, ["a"], "said", { n: 1 })).not.toThrow();
  });
});
