// The types of groups: params are those of the channel or the slice, messages those of the slice.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { createChannels, defineChannel } from "../channels/index.ts";
import { createServer } from "../index.ts";
import { createGroups } from "./index.ts";

const topic = <const P extends string>(pattern: P) =>
  defineTopic(pattern, {
    model: z.object({ n: z.number() }),
    initial: () => ({ n: 0 }),
    messages: { named: z.object({ name: z.string() }) },
    update: { named: (model) => model },
  });
const board = topic("board:*");
const stray = topic("stray:*");
const server = createServer({ wiring: defineWiring({ topics: [board] }), serialiser: automatic(json()) });
const channels = createChannels();
const room = defineChannel("room:*:*");

const groups = createGroups({ channels, server });
groups.add("team", "room:lobby");
groups.add("team", room, ["a", "b"]) satisfies boolean;
groups.add("team", board, "42");
groups.push("team", board, { type: "named", name: "x" }) satisfies number;
groups.broadcast("team", "said", Uint8Array.of(1));

// @ts-expect-error reason: its pattern has two
groups.add("team", room, ["a"]);
// @ts-expect-error reason: its pattern has one
groups.remove("team", board);
// @ts-expect-error reason: no message of the slice
groups.push("team", board, { type: "renamed", name: "x" });
// @ts-expect-error reason: not in the wiring
groups.add("team", stray, "42");
// @ts-expect-error reason: a payload is an object or bytes
groups.broadcast("team", "said", 7);
// @ts-expect-error reason: there is no server whose wiring could have it
createGroups({ channels }).add("team", board, "42");
