import { createServer, get, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { PassingTime } from "../../test/passing-time.ts";
import { bodyOf, Session } from "./session.ts";

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => {
    server?.close(resolve);
    server?.closeAllConnections();
  });
});

async function served(awaits = false) {
  const said: string[] = [];
  const time = new PassingTime();
  const session = new Session(
    1,
    { over: "longpoll", path: "/quick/longpoll?vsn=2.0.0", headers: {}, behind: "" },
    "token",
    {
      time,
      says: (_, { payload }) => {
        said.push(payload.toString());
        return true;
      },
      awaitsStatus: () => awaits,
    },
  );
  let polls = 0;
  server = createServer((asked, response) => {
    void bodyOf(asked).then((body = "") => {
      session.take({ method: asked.method ?? "", path: "/", headers: asked.headers, body }, response);
      polls += 1;
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server?.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const until = async (count: number): Promise<void> => expect.poll(() => polls).toBe(count);
  const poll = (): Promise<unknown> =>
    new Promise((resolve) => {
      get(
        { port, agent: false },
        (response) => void bodyOf(response).then((text = "") => resolve(JSON.parse(text))),
      );
    });
  const post = (body: string, type = "application/x-ndjson"): Promise<unknown> =>
    new Promise((resolve) => {
      request({ port, method: "POST", agent: false, headers: { "content-type": type } }, (response) => {
        void bodyOf(response).then((text = "") => resolve(JSON.parse(text)));
      }).end(body);
    });
  return { session, said, time, poll, post, until, port };
}

it("[KT8] answers the poll that waits, with all that is said in one go", async () => {
  const { session, poll, until } = await served();
  const waiting = poll();
  await until(1);
  session.hear({ hear: "text", json: [1] });
  session.hear({ hear: "text", json: [2] });
  expect(await waiting).toEqual({ status: 200, token: "token", messages: ["[1]", "[2]"] });
});

it("[KT8] keeps what is said until somebody polls, and ends a poll with its window", async () => {
  const { session, poll, until, time } = await served();
  session.hear({ hear: "text", json: [1] });
  await new Promise((resolve) => setImmediate(resolve));
  expect(await poll()).toEqual({ status: 200, token: "token", messages: ["[1]"] });
  const waiting = poll();
  await until(2);
  await time.advance(600);
  expect(await waiting).toEqual({ status: 204, token: "token", messages: [] });
});

it("[KT8] takes the lines of a POST in order, and another body whole", async () => {
  const { said, post } = await served();
  expect(await post("1\r\n2\n")).toEqual({ status: 200 });
  expect(await post("3\n4", "text/plain")).toEqual({ status: 200 });
  expect(said).toEqual(["1", "2", "3\n4"]);
});

it("[KT8] answers a POST by the status that was recorded in place of its 200", async () => {
  const { session, post, until } = await served(true);
  const answered = post("[");
  await until(1);
  session.hear({ hear: "status", status: 408 });
  expect(await answered).toEqual({ status: 408 });
  expect(session.over).toBe(true);
});
