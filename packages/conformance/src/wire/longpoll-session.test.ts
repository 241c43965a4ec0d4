import { afterEach, expect, it } from "vitest";
import { ear, json, stub, type Stub } from "../../test/stub.ts";
import { LongPollSession } from "./longpoll-session.ts";

let server: Stub | undefined;
afterEach(async () => {
  await server?.close();
});

it("opens with 410 and a token, polls with it, and posts what was said in one turn as one batch", async () => {
  const posts: string[] = [];
  let polls = 0;
  server = await stub((socket, head, _, body) => {
    const token = head.includes("&token=T");
    if (head.startsWith("POST")) {
      posts.push(`${token} ${/content-type: (\S+)/.exec(head)?.[1]} ${body}`);
      return socket.end(json({ status: 200 }));
    }
    if (!token) return socket.end(json({ status: 410, token: "T", messages: [] }));
    polls += 1;
    if (polls === 1) return socket.end(json({ status: 200, token: "T", messages: ["[1]", "[2]"] }));
    if (polls === 2) return socket.end(json({ status: 204, token: "T", messages: [] }));
    return socket.end(json({ status: 410, token: "U", messages: [] }));
  });
  const { hear, until } = ear();
  const session = new LongPollSession({ host: "127.0.0.1", port: server.port, path: "/l?v=2" }, hear);
  session.text("a");
  session.text("b");
  const all = await until(4);
  session.vanish();
  expect(
    all.map(({ heard, ...rest }) => [heard, "text" in rest ? rest.text : "status" in rest && rest.status]),
  ).toEqual([
    ["upgraded", false],
    ["text", "[1]"],
    ["text", "[2]"],
    ["status", 410],
  ]);
  expect(polls).toBe(3);
  expect(posts).toEqual(["true application/x-ndjson a\nb"]);
});

it("shows the status of a refusal, of a POST, and of an answer that is no JSON", async () => {
  let answer = json({ status: 403 });
  server = await stub((socket, head) => {
    if (head.startsWith("POST")) socket.end(json({ status: 408 }));
    else if (!head.includes("token=")) socket.end(answer);
  });
  const opening = { host: "127.0.0.1", port: server.port, path: "/l?v=2" };
  const { hear, until } = ear();
  new LongPollSession(opening, hear).text("never sent");
  expect(await until(1)).toMatchObject([{ heard: "status", status: 403 }]);
  answer = "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
  new LongPollSession(opening, hear).text("never sent");
  expect((await until(2))[1]).toMatchObject({ heard: "status", status: 500 });
  answer = json({ status: 410, token: "T", messages: [] });
  const session = new LongPollSession(opening, hear);
  session.text("bad");
  expect((await until(4))[3]).toMatchObject({ heard: "status", status: 408 });
  session.vanish();
});
