// The smaller channels of the fixture app: what the kit's own conversations need, and nobody recorded.
import { z } from "zod";
import { defineChannel, joined, push, reply } from "../../src/channels/index.ts";

/** The topic, events and bytes of phoenix.js' own serializer tests. */
export const goldenChannel = defineChannel("top")
  .handleBinary("ev", (bytes) => reply(bytes))
  .handleBinary("évt", (bytes) => reply(bytes))
  .handleIn("push", () => push("some-event", Uint8Array.of(1, 1)))
  .handleIn("broadcast", (_, socket) => socket.broadcast("some-event", Uint8Array.of(1, 1)));

/** What a client says here must fit. */
export const typedChannel = defineChannel("typed:*")
  .join(z.object({ name: z.string() }), ({ payload }) => joined({}, { name: payload.name }))
  .handleIn("move", z.object({ x: z.number() }), ({ x }) => reply({ x }));

/** Binary frames are the app's own bytes. */
export const bytesChannel = defineChannel("bytes:*").handleBinary((bytes) => reply(bytes));
