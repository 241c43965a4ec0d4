// The boards' server, with pages that say what no page of ours would.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@calla/client";
import { http as requests } from "@calla/client/http";
import { memoryLog } from "@calla/server";
import { http } from "@calla/server/http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBoards } from "../server/boards.ts";
import { board, serialiser, wiring } from "../shared/wiring.ts";

let url: string;
let end: () => Promise<void>;
beforeEach(async () => {
  const server = createBoards(memoryLog());
  const mount = http(server, { path: "/calla" });
  const httpServer = createHttpServer((request, response) =>
    mount.node(request, response, () => response.end()),
  );
  await new Promise<void>((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}/calla`;
  const clients: { close(): unknown }[] = [];
  arrive = (key) => {
    const client = createClient({ wiring, serialiser, transport: requests({ url }), token: () => key });
    clients.push(client);
    return client;
  };
  end = async () => {
    for (const client of clients) client.close();
    await server.stop();
    await mount.close();
    httpServer.closeAllConnections();
    httpServer.close();
  };
});
afterEach(() => end());
let arrive: (key: string) => ReturnType<typeof createClient<typeof wiring>>;
/** Patient, because other work may keep the machine busy. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });
const ANN = "annannannannannannannann";
const BO = "bobobobobobobobobobobobo";

test("a card that is said to be somebody else's is its author's, for the author too", async () => {
  const ann = arrive(ANN);
  const seen = ann.topic(board, "one");
  seen.retain();
  await until(() => expect(ann.session.state.model?.person?.name).toMatch(/\w \w/));
  await ann.session.dispatch({ type: "introduced", name: "Ann", colour: "violet" }).applied;
  const by = { name: "Bo", colour: "green" } as const;
  await seen.dispatch({ type: "cardAdded", id: "a", column: "todo", text: "Mine", by, before: null }).applied;
  expect(seen.state.model?.cards).toMatchObject([{ by: { name: "Ann", colour: "violet" } }]);
});

test("two tabs of one browser are called the same before anybody chooses", async () => {
  const tabs = [arrive(ANN), arrive(ANN)];
  const people = () => tabs.map(({ session }) => session.state.model?.person);
  for (const { session } of tabs) session.retain();
  await until(() => expect(people()[0]).toEqual(people()[1]));
  await until(() => expect(people()[0]?.name).toMatch(/\w \w/));
});

test("an example has its cards once, however many come; other boards begin empty", async () => {
  const topics = [arrive(ANN), arrive(BO)].map((client) => client.topic(board, "example-1"));
  for (const topic of topics) topic.retain();
  for (const topic of topics) await until(() => expect(topic.state.model?.title).toBe("A first look"));
  const ids = topics[0]!.state.model!.cards.map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(4);
  expect(new Set(ids).size).toBe(ids.length);

  // Who empties it has emptied it.
  for (const id of ids) topics[0]!.dispatch({ type: "cardDeleted", id });
  await topics[0]!.dispatch({ type: "boardRenamed", title: "" }).applied;
  const late = arrive(BO).topic(board, "example-1");
  late.retain();
  await until(() => expect(late.state.status).toBe("live"));
  const other = arrive(BO).topic(board, "other");
  other.retain();
  await until(() => expect(other.state.status).toBe("live"));
  expect([late.state.model, other.state.model]).toEqual([
    { title: "", cards: [] },
    { title: "", cards: [] },
  ]);
});

test("private boards, and ids that are none, are refused", async () => {
  const client = arrive(ANN);
  const topics = ["private-diary", "No%20such"].map((id) => client.topic(board, id));
  for (const topic of topics) topic.retain();
  for (const topic of topics) await until(() => expect(topic.state.status).toBe("refused"));
});
