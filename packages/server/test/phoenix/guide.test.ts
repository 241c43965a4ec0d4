// The guide docs/phoenix-chat.md, step by step: its program is put together as it is printed there and run, its page too,
// which has the package phoenix. Only addresses and the file of the log are others.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as TcpSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Channels, PhoenixMount } from "../../src/channels/index.ts";

interface Program {
  readonly channels: Channels;
  readonly httpServer: HttpServer;
  readonly mount: PhoenixMount;
  readonly server?: { stop(): Promise<void> };
}
interface Push {
  receive(status: string, run: (response: Record<string, unknown>) => void): Push;
}
interface Room {
  readonly state: string;
  joinRef(): string;
  push(event: string, payload: object): Push;
}
interface Page {
  readonly socket: { connect(): void; disconnect(): void; onClose(run: () => void): void };
  readonly room: Room;
  readonly unsaid?: { readonly texts: string[]; say(text: string): Promise<string | undefined> };
}

const guide = new URL("../../../../docs/phoenix-chat.md", import.meta.url);
const folder = new URL("./.guide/", import.meta.url);
let steps: ReadonlyMap<string, string>[];
let logs: string;
const said: string[] = [];
const own: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  steps = filesByStep(await readFile(guide, "utf8"));
  logs = await mkdtemp(join(tmpdir(), "guide-"));
});
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation((...words: unknown[]) => {
    if (words[0] !== "listening on 8788") said.push(words.join(" "));
  });
  said.length = 0;
  return async () => {
    for (const end of own.splice(0).toReversed()) await end();
  };
});
afterAll(() => Promise.all([folder, logs].map((path) => rm(path, { recursive: true, force: true }))));

/** What the reader has after each step: a block is a file, or what to change in one. */
function filesByStep(text: string): ReadonlyMap<string, string>[] {
  const files = new Map<string, string>();
  return text
    .split(/^## \d\. /m)
    .slice(1)
    .map((step) => {
      for (const [, kind, name, body] of step.matchAll(/```(\w+)\n\/\/ ([\w.]+)\n([\s\S]*?)```/g))
        files.set(
          name!,
          kind === "diff" ? patched(files.get(name!) ?? "", body!) : whole(files.get(name!), body!),
        );
      return new Map(files);
    });
}
/** A file that is printed again is what the steps have made of it. */
function whole(before: string | undefined, body: string): string {
  if (before !== undefined) expect(body).toBe(before);
  return body;
}
function patched(file: string, diff: string): string {
  const lines = diff.split("\n").slice(0, -1);
  const side = (sign: string): string =>
    lines
      .filter((line) => !line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  const before = side("+");
  expect(file.split(before), `once in the file:\n${before}`).toHaveLength(2);
  return file.replace(before, () => side("-"));
}

let runs = 0;
/** Runs a step's program, with a log of its own or of an earlier run, at a port that is free or was an earlier run's. */
async function program(step: number, { log = `${step}-${runs}.db`, at = 0 } = {}) {
  const here = new URL(`${step}-${runs++}/`, folder);
  await mkdir(here, { recursive: true });
  const write = (name: string, text: string): Promise<void> => writeFile(new URL(name, here), text);
  for (const [name, text] of steps[step - 1]!)
    await write(
      name,
      text
        .replace("listen(8788, ", `listen(${at}, "127.0.0.1", `)
        .replace('sqlite("chat.db")', `sqlite(${JSON.stringify(join(logs, log))})`),
    );
  const before = process.listeners("SIGTERM");
  const served = (await import(new URL("chat.ts", here).href)) as Program;
  const terminate = process.listeners("SIGTERM").find((listener) => !before.includes(listener));
  if (terminate !== undefined) process.off("SIGTERM", terminate);
  const { httpServer, mount, channels, server } = served;
  const sockets = new Set<TcpSocket>();
  httpServer.on("connection", (socket: TcpSocket) => void sockets.add(socket));
  if (!httpServer.listening) await once(httpServer, "listening");
  const { port } = httpServer.address() as AddressInfo;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> =>
    (ended ??= (async () => {
      await server?.stop();
      await channels.stop();
      await mount.close();
      httpServer.close();
    })());
  own.push(end);
  /** `tab`: another one than those of other words. */
  const open = async (name: string, at = port, tab = ""): Promise<Page> => {
    const script = `page-${name}${tab}-${at}.mjs`;
    const text = steps[step - 1]!.get("page.js")!.replace("localhost:8788", `127.0.0.1:${at}`);
    // As the guide says for Node 20.
    const inNode = text.replace("{ params: { name } }", "{ transport: WebSocket, params: { name } }");
    await write(script, `import WebSocket from "ws";\n${inNode}`);
    vi.stubGlobal("location", { search: `?name=${name}` });
    const page = (await import(new URL(script, here).href)) as Page;
    own.push(async () => page.socket.disconnect());
    return page;
  };
  return {
    served,
    port,
    open,
    end,
    terminate,
    /** Every connection breaks. */
    cut: () => sockets.forEach((socket) => socket.destroy()),
  };
}
const answer = (push: Push): Promise<readonly [string, Record<string, unknown>]> =>
  new Promise((resolve) => {
    for (const status of ["ok", "error"]) push.receive(status, (response) => resolve([status, response]));
  });
/** It has joined anew, after what it is in now. */
const rejoined = (room: Room): Promise<void> => {
  const before = room.joinRef();
  return expect.poll(() => [room.state, room.joinRef() !== before]).toEqual(["joined", true]);
};
const expectHeard = () => expect.poll(() => said);
const id = () => crypto.randomUUID().replaceAll("-", "");

test("[JN1] [MS1] [BC1] step 1 is a room", async () => {
  const { open } = await program(1);
  const { room } = await open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  expect((await answer(room.push("say", { text: "x".repeat(1_001) })))[0]).toBe("error");
  await open("Bo");
  await expectHeard().toEqual(["Ann: hello", "Bo: hello", "Bo: hello"]);
});

test("[BC2] step 2 tells the others who types", async () => {
  const { open } = await program(2);
  await open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  const bo = await open("Bo");
  await expectHeard().toHaveLength(3);
  bo.room.push("typing", {});
  await answer(bo.room.push("say", { text: "there" }));
  await expectHeard().toHaveLength(6);
  expect(said.filter((text) => text.includes("typing"))).toEqual(["Bo is typing"]);
});

test("step 3 brings what was said to who comes later, and to who comes back, each line once", async () => {
  const { open, cut } = await program(3);
  const ann = await open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  const bo = await open("Bo");
  await expectHeard().toEqual(["Ann: hello", "Ann: hello", "Bo: hello", "Bo: hello"]);
  said.length = 0;
  const back = [ann, bo].map(({ room }) => rejoined(room));
  cut();
  await Promise.all(back);
  await answer(ann.room.push("say", { text: "again" }));
  await expectHeard().toEqual(["Ann: again", "Ann: again"]);
});

test.each([3, 5])("step %i shows what is said after a restart of a server that forgets", async (step) => {
  const first = await program(step);
  const say = ({ unsaid, room }: Page, text: string): Promise<unknown> =>
    unsaid?.say(text) ?? answer(room.push("say", { text }));
  const ann = await first.open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  await say(ann, "two");
  await expectHeard().toEqual(["Ann: hello", "Ann: two"]);
  let back = rejoined(ann.room);
  await first.end();
  const second = await program(step, { at: first.port });
  await back;
  said.length = 0;
  await say(ann, "after");
  await expectHeard().toEqual(["Ann: after"]);
  // Once more, and others have said more than before by the time it is back.
  ann.socket.disconnect();
  await second.end();
  const third = await program(step, { at: first.port });
  const bo = await third.open("Bo");
  await expectHeard().toEqual(["Ann: after", "Bo: hello"]);
  await say(bo, "two");
  await expectHeard().toHaveLength(3);
  said.length = 0;
  back = rejoined(ann.room);
  ann.socket.connect();
  await back;
  await expectHeard().toEqual(["Bo: hello", "Bo: two"]);
});

test("[TE18] step 4 says a line once, however often its page pushes it", async () => {
  const { open } = await program(4);
  const { room } = await open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  const line = { id: id(), text: "once" };
  const answers = await Promise.all([1, 2, 3].map(() => answer(room.push("say", line))));
  expect(answers.map(([status]) => status)).toEqual(["ok", "ok", "ok"]);
  await answer(room.push("say", { id: id(), text: "last" }));
  await expectHeard().toEqual(["Ann: hello", "Ann: once", "Ann: last"]);
});

test("step 5 keeps what is written in the tunnel, and says it once when the page is back", async () => {
  const { open, cut } = await program(5);
  const ann = await open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  // One is under way when the connection breaks, and two are written before it is back.
  const closed = new Promise<void>((resolve) => ann.socket.onClose(resolve));
  const answers = [ann.unsaid!.say("under way")];
  cut();
  await closed;
  expect(ann.room.state).not.toBe("joined");
  answers.push(ann.unsaid!.say("one"), ann.unsaid!.say("two"));
  expect(ann.unsaid!.texts).toEqual(["under way", "one", "two"]);
  expect(await Promise.all(answers)).toEqual([undefined, undefined, undefined]);
  expect(ann.unsaid!.texts).toEqual([]);
  await expectHeard().toEqual(["Ann: hello", "Ann: under way", "Ann: one", "Ann: two"]);
  expect(await ann.unsaid!.say("x".repeat(1_001))).toBe("invalid payload");
});

test("step 6 keeps what was said when the server ends", async () => {
  const first = await program(6, { log: "kept.db" });
  const ann = await first.open("Ann");
  await ann.unsaid!.say("remember");
  ann.socket.disconnect();
  await first.end();
  said.length = 0;
  const next = await program(6, { log: "kept.db" });
  await next.open("Bo");
  await expectHeard().toEqual(["Ann: hello", "Ann: remember", "Bo: hello"]);
});

test("step 6 ends by SIGTERM, though a page is connected, and the page comes back to the next server", async () => {
  const first = await program(6, { log: "term.db" });
  const ann = await first.open("Ann");
  await expectHeard().toEqual(["Ann: hello"]);
  const closed = once(first.served.httpServer, "close");
  const back = rejoined(ann.room);
  first.terminate!("SIGTERM");
  await closed;
  await program(6, { log: "term.db", at: first.port });
  await back;
  await ann.unsaid!.say("again");
  await expectHeard().toEqual(["Ann: hello", "Ann: again"]);
});

test("[CP3] [CP6] [CP19] step 7 says who is here, each once, until the last of their pages has gone", async () => {
  const { open } = await program(7);
  const heard = (names: string) => expectHeard().toContain(`here: ${names}`);
  await open("Ann");
  await heard("Ann");
  const bo = await open("Bo");
  await heard("Ann, Bo");
  const tab = await open("Bo", undefined, "tab");
  await heard("Ann, Bo (2 tabs)");
  for (const [page, names] of [
    [tab, "Ann, Bo"],
    [bo, "Ann"],
  ] as const) {
    said.length = 0;
    page.socket.disconnect();
    await heard(names);
  }
});

test("the guide has the steps that are run here, and the last one changes nothing", () => {
  expect(steps).toHaveLength(8);
  expect([...steps[7]!]).toEqual([...steps[6]!]);
});
