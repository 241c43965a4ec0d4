// Programs that a page of docs/ prints: cut out of it and run as they stand there. Only the address is another.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished, vi } from "vitest";

const root = new URL("../../../", import.meta.url);
/** Beside the tests, so that the packages are found as a reader's program would find them. */
const printing = new URL("./.printed/", import.meta.url);

/** Milliseconds for a test that runs a page: on a busy machine all that its programs import takes long to load. */
export const PATIENCE = 120_000;

const OWN_URL = `async () => {
  if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
  return \`ws://127.0.0.1:\${httpServer.address().port}/ws\`;
}`;

const textOf = (page: string): Promise<string> => readFile(new URL(page, root), "utf8");

/** The programs of a page by the file that their first line names; what a page shows of others' files has a folder in its name. */
export async function programsOf(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await textOf(page);
  const blocks = text.matchAll(/```[jt]s\n\/\/ ([\w-]+[.][jt]s)\b[^\n]*\n([\s\S]*?)```/g);
  return new Map(Array.from(blocks, ([, name, code]) => [name!, code!]));
}

/** A new folder for a page's programs; it goes with the test. */
export async function emptyFolder(): Promise<URL> {
  await mkdir(printing, { recursive: true });
  const folder = await mkdtemp(fileURLToPath(new URL("page-", printing)));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return pathToFileURL(`${folder}/`);
}

/** What of a program that listens is ended behind a test. */
interface Serving {
  readonly httpServer: HttpServer;
  readonly server?: { stop(): Promise<void> };
  readonly channels?: { stop(): Promise<void> };
}

/** A client, and a topic, of a wiring that the test knows only by its page. */
export interface PrintedClient {
  readonly clientId: string | undefined;
  readonly status: { readonly connection: string; readonly reason: string; readonly pending: number };
  topic(slice: unknown, ...params: readonly string[]): PrintedTopic;
  connect(): void;
  disconnect(): void;
  close(): Promise<void>;
}
export interface PrintedTopic {
  readonly state: { readonly status: string; readonly code?: string; readonly model: unknown };
  onChange(listener: () => void): () => void;
  dispatch(message: object): {
    readonly applied: Promise<{ readonly sequence: number; readonly messages: readonly unknown[] }>;
    readonly rejection: Promise<{ readonly code: string } | undefined>;
  };
}

/** One run of a page's programs, ended with its test. */
export interface Printed {
  /** What they have said to the console, a line each. */
  readonly said: readonly string[];
  /** What the page says that they say: its block of text, line by line. */
  readonly prints: readonly string[];
  /** What Calla has said there: mistakes, as in development. */
  readonly warned: readonly string[];
  /** Runs a program; what it imports of the same page is there. */
  run<Exports>(name: string): Promise<Exports>;
  /** Runs one that listens. Its address stands for `localhost` and its port in the programs run after it. */
  serve<Exports extends Serving>(name: string): Promise<Exports & { readonly at: string }>;
}

/** The programs of `page`, ready to be run. `change`: what of them a test has otherwise, such as a path. */
export async function printed(page: string, change = (code: string): string => code): Promise<Printed> {
  const folder = await emptyFolder();
  const programs = await programsOf(page);
  const addresses = new Map<string, string>();
  const said: string[] = [];
  const warned: string[] = [];
  const [, prints = ""] = /```text\n([\s\S]*?)\n```/.exec(await textOf(page)) ?? [];
  const hear = (method: "log" | "warn" | "error", into: string[]): void =>
    void vi
      .spyOn(console, method)
      .mockImplementation((...words: unknown[]) => void into.push(words.join(" ")));
  hear("log", said);
  hear("warn", warned);
  hear("error", warned);

  const write = (name: string, code: string): Promise<void> => writeFile(new URL(name, folder), code);
  await Promise.all(Array.from(programs, ([name, code]) => write(name, change(code))));
  async function run<Exports>(name: string, also = (code: string): string => code): Promise<Exports> {
    let code = also(change(programs.get(name)!));
    for (const [from, to] of addresses) code = code.replaceAll(from, to);
    await write(name, code);
    return (await import(new URL(name, folder).href)) as Exports;
  }
  async function serve<Exports extends Serving>(name: string): Promise<Exports & { readonly at: string }> {
    const [, port] = /listen\((\d+)/.exec(programs.get(name)!)!;
    const exports = await run<Exports>(name, (code) =>
      code
        .replace(/listen\(\d+/, 'listen({ port: 0, host: "127.0.0.1" }')
        // A program that also connects to itself learns its port once it has one.
        .replaceAll(`"ws://localhost:${port}/ws"`, OWN_URL),
    );
    const { httpServer, server, channels } = exports;
    onTestFinished(async () => {
      await Promise.all([server?.stop(), channels?.stop()]);
      httpServer.closeAllConnections();
      await new Promise((resolve) => httpServer.close(resolve));
    });
    if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
    const at = `127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
    addresses.set(`localhost:${port}`, at);
    return { ...exports, at };
  }
  return { said, prints: prints.split("\n"), warned, run, serve };
}
