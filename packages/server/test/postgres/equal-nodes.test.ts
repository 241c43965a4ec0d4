// Servers over one log in Postgres, in real time: what none of the units says about the whole.
import { automatic, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { createServer } from "../../src/server.ts";
import { list, wiring } from "../wired.ts";
import { hasServer } from "./engines.ts";
import { testedNodes } from "./nodes.ts";

describe.skipIf(!hasServer)("equal servers over one log", () => {
  const nodes = testedNodes();

  test("[PL1] take what is dispatched at once to one topic and to many, each once and in the order of its sender", async () => {
    const schema = nodes.schema();
    const servers = Array.from({ length: 3 }, () => {
      const server = createServer({ wiring, serialiser: automatic(json()), log: nodes.node(schema) });
      server.handle(list, { public: true });
      return server;
    });
    const sent = servers.map((_, by) => Array.from({ length: 8 }, (_unused, n) => `${by}.${n}`));
    const topics = ["one", "two"];
    await Promise.all(
      servers.flatMap((server, by) =>
        topics.map(async (id) => {
          for (const item of sent[by]!) await server.topic(list, id).dispatch({ type: "added", item });
        }),
      ),
    );
    for (const id of topics) {
      const models = await Promise.all(servers.map((server) => server.topic(list, id).read()));
      const [first] = models;
      expect(first!.sequence).toBe(24);
      for (const model of models) expect(model).toEqual(first);
      const { items } = first!.model as { readonly items: readonly string[] };
      for (const own of sent) expect(items.filter((item) => own.includes(item))).toEqual(own);
    }
    await Promise.all(servers.map((server) => server.stop()));
    const { changes } = await nodes.node(schema).changes("", 1_000);
    expect(changes).toHaveLength(48);
  });
});
