import { expect, test } from "vitest";
import { fullWiring, handshake, list, session, setUp, setUpWith, turn } from "../test/kit.ts";
import { added, live, removed } from "../test/live.ts";
import type { Connection } from "../test/kit.ts";
import { rejectedBy } from "./base/rejected-error.ts";
import { rejections } from "./rejections.ts";
import { memoryStorage } from "./storage/memory-storage.ts";

const reject = (connection: Connection, target: string, mid: number, id: string): void =>
  connection.say({ type: "Rejected", target, mid, id, from: "app", code: "missing", details: { text: "x" } });

test("[BN4] each rejection is heard once by those who listen for its slice, with its params, until they stop", async () => {
  const { client, topic, connection, errors } = await live();
  const heard: unknown[] = [];
  const stop = client.onRejection(list, ({ params, messages, rejection, earlier }) =>
    heard.push([params, messages, rejection.code, earlier]),
  );
  client.onRejection(list, () => {
    throw new Error("of a listener");
  });
  // Of the session's this one hears nothing.
  client.onRejection(session as never, () => heard.push("session"));
  const write = topic.dispatch(removed("x"));
  await turn();
  reject(connection, "list:1", 1, write.id);
  await turn();
  expect(heard).toEqual([[["1"], [removed("x")], "missing", false]]);
  expect(errors).toMatchObject([{ message: "of a listener" }]);
  stop();
  const next = topic.dispatch(removed("x"));
  await turn();
  reject(connection, "list:1", 2, next.id);
  await turn();
  expect([heard.length, errors.length]).toEqual([1, 2]);
});

test("[BN4] the session's are heard too", async () => {
  const setup = setUpWith(fullWiring, {});
  const heard: unknown[] = [];
  setup.client.onRejection(session, ({ target, params, rejection }) =>
    heard.push([target, params, rejection.code]),
  );
  const connection = await handshake(setup);
  const { id } = setup.client.session.dispatch({ type: "renamed", name: "anna" });
  await turn();
  reject(connection, "@", 1, id);
  await turn();
  expect(heard).toEqual([["@", [], "missing"]]);
});

test("[BN5] an earlier page's wait for the first who listens, behind the turn, and are heard by nobody twice", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  const writes = ["a", "b"].map((text) => first.topic.dispatch(added(text)));
  await turn();
  await first.client.close();
  const page = setUp({ storage });
  const connection = await handshake(page);
  for (const [at, { id }] of writes.entries()) reject(connection, "list:1", at + 1, id);
  await turn();
  const heard: unknown[] = [];
  // As React's strict mode does: put in place, taken away, put in place.
  page.client.onRejection(list, () => heard.push("gone"))();
  const stop = page.client.onRejection(list, ({ id, messages, earlier }) =>
    heard.push([id, messages, earlier]),
  );
  expect(heard).toEqual([]);
  await turn();
  expect(heard).toEqual(writes.map(({ id }, at) => [id, [added("ab"[at]!)], true]));
  stop();
  page.client.onRejection(list, () => heard.push("twice"));
  await turn();
  expect(heard).toHaveLength(2);
});

test("[BN5] what this page dispatched waits for nobody", async () => {
  const { client, topic, connection } = await live();
  const { id } = topic.dispatch(removed("x"));
  await turn();
  reject(connection, "list:1", 1, id);
  await turn();
  const heard: unknown[] = [];
  client.onRejection(list, () => heard.push("late"));
  await turn();
  expect(heard).toEqual([]);
});

test("[BN5] of earlier pages' the last hundred wait", () => {
  const { tell, add } = rejections(
    fullWiring,
    () => {},
    (run) => run(),
  );
  const refused = { messages: [], earlier: true, is: "rejected", error: rejectedBy("forbidden") } as const;
  for (let id = 0; id < 103; id++) tell({ target: "list:1", id: String(id), ...refused });
  const heard: string[] = [];
  const listen = (slice: object) => add(slice, ({ id }) => heard.push(id));
  listen(session);
  expect(heard).toEqual([]);
  listen(list);
  expect([heard.length, heard[0], heard.at(-1)]).toEqual([100, "3", "102"]);
});
