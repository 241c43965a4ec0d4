import { describe, expect, test } from "vitest";
import { Guest, board, rosters, track } from "../test/rosters.ts";
import type { Node } from "../test/rosters.ts";
import { list } from "../test/wired.ts";
import type { TopicPresence } from "./server-presence.ts";

/** The rig's server has the types of another wiring. */
const topicOf = ({ server }: Node) =>
  server.topic(...([board, "1"] as unknown as [typeof list, string])) as unknown as {
    readonly presence: TopicPresence<{ readonly name: string }>;
  };

describe("who is here, for the app on the server", () => {
  test("[SP18] lists metas by key, of all nodes, the same object until it changes, and tells who comes and goes", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2, users: true });
    const { presence } = topicOf(there!);
    const heard: unknown[] = [];
    const stop = presence.onDiff(({ joins, leaves }) => {
      heard.push([joins.map(({ meta }) => meta.name), leaves.map(({ key, clientId }) => [key, clientId])]);
      throw new Error("boom");
    });
    const [one, two] = [await Guest.at(here!, "ada"), await Guest.at(here!, "ada")];
    await one.enter("board:1", "tab 1", false);
    await two.enter("board:1", "tab 2", false);
    await one.enter("board:2", "elsewhere", false);
    await advance(200);
    expect(presence.list()).toEqual(new Map([["ada", [{ name: "tab 1" }, { name: "tab 2" }]]]));
    expect(presence.list()).toBe(topicOf(there!).presence.list());
    expect(presence.count()).toBe(2);
    two.say(track("board:1"));
    await advance(200);
    expect(heard).toEqual([
      [["tab 1"], []],
      [["tab 2"], []],
      [[], [["ada", two.id]]],
    ]);
    expect(there!.errors).toHaveLength(3);
    stop();
    stop();
    one.drop(1001);
    await advance(200);
    expect([heard.length, presence.count(), presence.list().size]).toEqual([3, 0, 0]);
  });

  test("[SP18] a slice that lists nobody says so", () => {
    const { node } = rosters();
    const { server } = node;
    expect(() => server.topic(list, "1").presence).toThrow(/Slice "list:\*" lists nobody: give it presence/);
    expect(() => server.session("someone").presence).toThrow(/lists nobody/);
  });
});
