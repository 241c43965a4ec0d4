// The chat in one process: channels over sockets in memory.
import { expect, test } from "vitest";
import { createChat } from "../server/chat.ts";

/** A client that speaks the wire of Phoenix; `heard` is what it was told. */
function connect({ channels }: ReturnType<typeof createChat>, name: string) {
  const heard: unknown[][] = [];
  const socket = channels.connect({
    send: (text) => void heard.push(JSON.parse(String(text)) as unknown[]),
    close: () => socket.disconnect(),
    request: { url: `/socket/websocket?vsn=2.0.0&name=${name}`, headers: {}, remoteAddress: "127.0.0.1" },
  });
  const say = (...frame: unknown[]): void => socket.incoming(JSON.stringify(frame));
  say("1", "1", "room:lobby", "phx_join", {});
  return { heard, say };
}
const lines = ({ heard }: ReturnType<typeof connect>): unknown[] =>
  heard.filter(([, , , event]) => event === "line").map(([, , , , line]) => (line as { text: string }).text);

test("a line that is said twice is heard once, by all", async () => {
  const chat = createChat();
  const [ann, bo] = [connect(chat, "Ann"), connect(chat, "Bo")];
  await expect.poll(() => [ann, bo].every(({ heard }) => heard.length > 0)).toBe(true);
  const said = { id: crypto.randomUUID(), text: "hello" };
  ann.say("1", "2", "room:lobby", "say", said);
  ann.say("1", "3", "room:lobby", "say", said);
  ann.say("1", "4", "room:lobby", "say", { id: crypto.randomUUID(), text: "bye" });
  await expect.poll(() => lines(bo)).toEqual(["hello", "bye"]);
  expect(lines(ann)).toEqual(["hello", "bye"]);
  await chat.server.stop();
});

test("what nobody may say is answered with the field that is wrong", async () => {
  const chat = createChat();
  const ann = connect(chat, "Ann");
  ann.say("1", "2", "room:lobby", "say", { id: crypto.randomUUID(), text: " " });
  await expect
    .poll(() => ann.heard.find(([, ref]) => ref === "2")?.[4])
    .toMatchObject({ status: "error", response: { issues: [{ path: ["text"] }] } });
  await chat.server.stop();
});
