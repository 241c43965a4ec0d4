import { automatic, json } from "@calla/shared";
import { customBinary } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import { cursors, list, session, wire } from "../test/wired.ts";

const add = (item: string) => ({ type: "added", item }) as const;
interface Envelope {
  readonly calla: number;
  readonly format: string;
  readonly topics: readonly unknown[];
  readonly session?: unknown;
}
const parsed = (text: string): Envelope => JSON.parse(text) as Envelope;

test("[HY1] a page gets target, sequence, mark, version and model of each topic; nothing of one that was removed", async () => {
  const { server, done } = wire();
  const [one, two, gone] = [server.topic(list, "1"), server.topic(list, "2"), server.topic(list, "3")];
  await done(one.dispatch(add("a")));
  await done(gone.dispatch(add("b")));
  await done(gone.remove());
  const { topics, calla, format } = parsed(await done(server.hydrate([one, two, gone])));
  const { mark } = (await one.history()).entries[0]!;
  expect([calla, format]).toEqual([1, "json"]);
  expect(topics).toEqual([
    ["list:1", 1, mark, 1, { items: ["a"] }],
    ["list:2", 0, 0, 1, { items: [] }],
  ]);
  await expect(done(server.hydrate([server.topic(cursors, "1")]))).rejects.toMatchObject({ code: "topic" });
});

test("[HY2] S29 whatever is in a model, the text ends no script and is what was meant", async () => {
  const { server, done } = wire();
  const hostile = ["</script><p>", "<!--<script", "]]>&amp;", "\u2028\u2029", "\ud800", "__proto__", '"\\'];
  const topic = server.topic(list, "1");
  for (const item of hostile) await done(topic.dispatch(add(item)));
  const text = await done(server.hydrate([topic]));
  expect(text).not.toMatch(/[<>&\u2028\u2029\ud800]/);
  const serialiser = automatic(json());
  const [[, , , , model]] = parsed(text).topics as [[unknown, unknown, unknown, unknown, unknown]];
  expect(serialiser.payload(serialiser.formats[0]!).decodeModel(model)).toEqual({ items: hostile });
});

test("[HY3] a session goes only into a response that is made no-store first, and never by its topic", async () => {
  const { server, client, done } = wire();
  const ada = await client();
  const { clientId } = ada.identity;
  await done(server.dispatchTo(clientId, { type: "named", name: "Ada" }));
  const its = server.session(clientId);
  await expect(done(server.hydrate([its]))).rejects.toMatchObject({ code: "forbidden" });
  const sent = { headersSent: true, setHeader: () => expect.unreachable() };
  await expect(done(server.hydrate([], { session: { clientId, response: sent } }))).rejects.toThrow(
    /sent already/,
  );
  const headers: string[] = [];
  const setHeader = (...given: string[]) => headers.push(given.join(": "));
  const response = { headersSent: false, setHeader };
  const text = await done(server.hydrate([], { session: { clientId, response } }));
  expect(headers).toEqual(["Cache-Control: no-store"]);
  expect(parsed(text).session).toMatchObject({
    clientId,
    snapshot: ["@", 1, expect.any(Number), 1, { name: "Ada" }],
  });
  const standard = new Headers({ "cache-control": "public" });
  await done(server.hydrate([], { session: { clientId, response: standard } }));
  expect(standard.get("cache-control")).toBe("no-store");
  expect(session.name).toBe("session");
});

test("[HY1] a serialiser that has only bytes is carried too, from the server's page to the client's models", async () => {
  const code = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  const serialiser = customBinary({
    encodeMessage: code,
    decodeMessage: decode,
    encodeModel: code,
    decodeModel: decode,
  });
  const { server, done } = wire({ serialiser });
  const topic = server.topic(list, "1");
  await done(topic.dispatch(add("a")));
  const [[, , , , plain]] = parsed(await done(server.hydrate([topic]))).topics as [unknown[]];
  expect(serialiser.payload(json()).decodeModel(plain)).toEqual({ items: ["a"] });
});
