// docs/bridge.md: its program as it is printed, and its conversation, frame by frame and in order.
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Channels, PhoenixMount } from "../../src/channels/index.ts";
import { programsIn, textOf } from "./page.ts";

interface Program {
  readonly server: {
    topic(
      slice: unknown,
      id: string,
    ): { dispatch(message: unknown): Promise<unknown>; remove(): Promise<unknown> };
    disconnect(clientId: string): void;
    stop(): Promise<void>;
  };
  readonly channels: Channels;
  readonly mount: PhoenixMount;
  readonly httpServer: HttpServer;
}

const folder = new URL("./.bridge/", import.meta.url);
let page: string;
let program: Program;
let list: unknown;

beforeAll(async () => {
  page = await textOf("docs/bridge.md");
  await mkdir(folder, { recursive: true });
  for (const [name, text] of programsIn(page))
    await writeFile(new URL(name, folder), text.replace("listen(8789)", 'listen(0, "127.0.0.1")'));
  program = (await import(new URL("server.ts", folder).href)) as Program;
  ({ list } = (await import(new URL("wiring.ts", folder).href)) as { list: unknown });
}, 60_000); // a whole server is loaded
afterAll(async () => {
  await program.server.stop();
  await program.mount.close();
  program.httpServer.close();
  await rm(folder, { recursive: true, force: true });
});

/** Of these fields each run has other values: the page's stand for them, the same wherever it is the same. */
const NAMED = new Set([
  "client_id",
  "secret",
  "mark",
  "at",
  "author",
  "phx_ref",
  "phx_ref_prev",
  "retry_after",
]);

/** What stands on the page is what was said, and what it stands for is kept by `names`. */
function means(written: unknown, said: unknown, names: Map<unknown, unknown>, field = ""): unknown {
  // An id of the server's own.
  const isNamed = NAMED.has(field) || (field === "id" && String(written).startsWith("Dwg"));
  if (isNamed && written !== null && written !== 0) {
    if (!names.has(written)) names.set(written, said);
    expect(typeof said).toBe(typeof written);
    return names.get(written);
  }
  if (Array.isArray(written))
    return written.map((one, i) => means(one, Array.isArray(said) ? said[i] : undefined, names));
  if (typeof written !== "object" || written === null) return written;
  const fields = Object(said) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(written).map(([name, one]) => [name, means(one, fields[name], names, name)]),
  );
}
/** The page's words for what this run has. */
const asSaid = (text: string, names: ReadonlyMap<unknown, unknown>): string =>
  [...names].reduce((text, [written, said]) => text.replaceAll(String(written), () => String(said)), text);

test("[CF9] the conversation of docs/bridge.md is held as it is printed", async () => {
  const names = new Map<unknown, unknown>();
  let heard: string[] = [];
  let wired: ReturnType<Channels["connect"]> | undefined;
  let clientId = "";
  const { server, channels } = program;
  /** Presence comes beside the rest: the page tells of it in one place. */
  const isPresence = (text: string): boolean => text.includes('"presence_');
  const next = async (written: string): Promise<unknown> => {
    const fits = (text: string): boolean => isPresence(text) === isPresence(written);
    await vi.waitFor(() => expect(heard.some(fits), written).toBe(true), { interval: 2 });
    const [text] = heard.splice(heard.findIndex(fits), 1);
    const frame = JSON.parse(text!) as readonly [unknown, unknown, unknown, unknown, object];
    const { response } = frame[4] as { readonly response?: { readonly client_id?: string } };
    clientId = response?.client_id ?? clientId;
    return frame;
  };
  const happens: readonly (readonly [RegExp, (said: string) => unknown])[] = [
    [
      /^connects to (\S+)$/,
      (url) => {
        heard = [];
        const here = heard;
        const request = { url, headers: {}, remoteAddress: undefined };
        const connection = channels.connect({
          request,
          send: (data) => here.push(data as string),
          close: () => connection.disconnect(),
        });
        wired = connection;
      },
    ],
    [/^the server dispatches (.+)$/, (message) => server.topic(list, "42").dispatch(JSON.parse(message))],
    [/^the connection breaks$/, () => wired?.disconnect()],
    [
      /^the connection breaks, and the answer is lost$/,
      async () => {
        // Reply and patch are on their way.
        const others = (): string[] => heard.filter((text) => !isPresence(text));
        await vi.waitFor(() => expect(others()).toHaveLength(2), { interval: 2 });
        wired?.disconnect();
      },
    ],
    [/^the server removes the topic$/, () => server.topic(list, "42").remove()],
    [/^the server disconnects the client$/, () => server.disconnect(clientId)],
  ];
  const lines = [...page.matchAll(/```frames\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block!.trim().split("\n"),
  );
  expect(lines.length).toBeGreaterThan(40);
  for (const line of lines) {
    const said = line.slice(2);
    if (line.startsWith("→ ")) wired?.incoming(asSaid(said, names));
    else if (line.startsWith("← ")) {
      const frame = await next(said);
      expect(frame, line).toEqual(means(JSON.parse(said), frame, names));
    } else {
      const [how, happen] = happens.find(([how]) => how.test(said)) ?? expect.fail(line);
      await happen(asSaid(how.exec(said)?.[1] ?? "", names));
    }
  }
  expect(heard.filter((text) => !text.includes('"presence_state"'))).toEqual([]);
});
