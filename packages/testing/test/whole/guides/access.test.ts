// docs/access.md: its program runs as printed, and does what the page says of cookies, tokens, rights and sign-out.
import type { Server as HttpServer } from "node:http";
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import type { Serialiser, Wiring } from "@calla/shared";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { PATIENCE, printed } from "../../printed.ts";
import type { PrintedClient, PrintedTopic } from "../../printed.ts";

interface Server {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void>; reauthorise(): Promise<void> };
  leave(userId: string, team: string): Promise<void>;
  signOut(userId: string): Promise<void>;
}
interface Slices {
  readonly wiring: Wiring;
  readonly serialiser: Serialiser;
  readonly team: unknown;
  readonly settings: unknown;
}
interface Clients extends Record<"ada" | "bo" | "cy", PrintedClient> {
  signIn(user: string): Promise<PrintedClient>;
}

/** The page's server, which listens, and what the page's other programs need. */
async function stage(change?: (code: string) => string) {
  const page = await printed("docs/access.md", change);
  const server = await page.serve<Server>("server.ts");
  const slices = await page.run<Slices>("wiring.ts");
  return { page, ...server, ...slices };
}
function closing<C extends PrintedClient>(client: C): C {
  onTestFinished(() => client.close());
  return client;
}
async function clientsOf({ page }: Awaited<ReturnType<typeof stage>>): Promise<Clients> {
  const clients = await page.run<Clients>("client.ts");
  for (const client of [clients.ada, clients.bo, clients.cy]) closing(client);
  return clients;
}
function watched(client: PrintedClient, slice: unknown, name: string): PrintedTopic {
  const topic = client.topic(slice, name);
  topic.onChange(() => {});
  return topic;
}
const statusOf = (topic: PrintedTopic) => expect.poll(() => topic.state.status);
const task = { type: "added", title: "milk", owner: "", ownerName: "" };

test(
  "[GD2] [HA3] [HA4] [HA5] the program says what it is printed to say: whose word counts, who may what, who may see",
  async () => {
    const staged = await stage();
    await clientsOf(staged);
    await expect.poll(() => staged.page.said.length).toBe(6);
    const { said, prints } = staged.page;
    expect(prints).toHaveLength(6);
    expect(said.slice(0, 3)).toEqual(prints.slice(0, 3));
    // Three topics, each with an answer of its own.
    expect(said.slice(3).toSorted()).toEqual(prints.slice(3));
  },
  PATIENCE,
);

test(
  "[HA4] the owner of a task finishes it, another member does not, an admin does",
  async () => {
    const staged = await stage();
    const { ada, bo } = await clientsOf(staged);
    const eng = watched(ada, staged.team, "eng");
    await ada.topic(staged.team, "eng").dispatch({ type: "cleared" }).applied;
    await ada.topic(staged.team, "eng").dispatch(task).applied;
    await bo.topic(staged.team, "eng").dispatch(task).applied;
    await expect.poll(() => Object.keys((eng.state.model as { tasks: object }).tasks).length).toBe(2);
    const tasks = Object.entries((eng.state.model as { tasks: Record<string, { owner: string }> }).tasks);
    const [adas, bos] = ["ada", "bo"].map((id) => tasks.find(([, { owner }]) => owner === id)![0]);
    const done = (client: PrintedClient, id: string | undefined) =>
      client.topic(staged.team, "eng").dispatch({ type: "done", id }).rejection;
    expect(await done(bo, adas)).toMatchObject({ code: "forbidden" });
    expect(await done(bo, bos)).toBeUndefined();
    expect(await done(ada, adas)).toBeUndefined();
  },
  PATIENCE,
);

test(
  "[CV15] a topic user:* is one user's in every tab, where a client's id is each tab's own",
  async () => {
    const staged = await stage();
    const { signIn, cy } = await clientsOf(staged);
    const tab = closing(await signIn("cy"));
    const [one, other] = [cy, tab].map((client) => watched(client, staged.settings, "cy"));
    await one!.dispatch({ type: "themeChosen", theme: "dark" }).applied;
    await expect.poll(() => other!.state.model).toEqual({ theme: "dark" });
    expect(tab.clientId).not.toBe(cy.clientId);
  },
  PATIENCE,
);

test(
  "[AU7] a cookie is enough, and only for pages of the server's own site",
  async () => {
    const { at, wiring, serialiser, settings } = await stage();
    const signedIn = await fetch(`http://${at}/sign-in?user=ada`, { method: "POST" });
    const setCookie = signedIn.headers.get("set-cookie")!;
    expect(setCookie).toMatch(/^session=[\w-]{43}; HttpOnly; SameSite=Lax; Path=\/$/);
    const browser = (origin: string, cookie: string): PrintedClient => {
      // A browser puts both into the request by itself.
      class Socket extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, { origin, headers: { cookie } });
        }
      }
      const transport = webSocket({ url: `ws://${at}/ws`, WebSocket: Socket });
      return closing(createClient({ wiring, serialiser, transport }) as unknown as PrintedClient);
    };
    const cookie = setCookie.split(";")[0]!;
    await statusOf(watched(browser(`http://${at}`, `a=b; ${cookie}; c=d`), settings, "ada")).toBe("live");

    const foreign = browser("http://evil.example", cookie);
    await expect.poll(() => foreign.status).toMatchObject({ connection: "closed", reason: "origin" });
    const signedOut = browser(`http://${at}`, "session=guessed");
    await expect
      .poll(() => signedOut.status)
      .toMatchObject({ connection: "closed", reason: "unauthenticated" });
  },
  PATIENCE,
);

test(
  "[AU14] the token is asked for again before it ends, and nobody is disconnected",
  async () => {
    // A second in place of five minutes. No test waits for it: the client says when it was asked.
    const staged = await stage((code) => code.replace("300_000", "1_000"));
    const fetched = { tokens: 0 };
    staged.httpServer.on(
      "request",
      ({ url }: { url: string }) => void (fetched.tokens += url === "/token" ? 1 : 0),
    );
    const { ada } = await clientsOf(staged);
    const eng = watched(ada, staged.team, "eng");
    const statuses = new Set<string>();
    eng.onChange(() => void statuses.add(eng.state.status));
    await statusOf(eng).toBe("live");
    const { clientId } = ada;
    await expect.poll(() => fetched.tokens, { timeout: 5_000 }).toBeGreaterThan(5);
    expect(statuses).toEqual(new Set(["live"]));
    expect(ada).toMatchObject({ clientId, status: { connection: "open" } });
  },
  PATIENCE,
);

test(
  "[AU15] [AU32] who leaves a team sees it no longer, and goes on with all else",
  async () => {
    const staged = await stage();
    const { ada, bo } = await clientsOf(staged);
    const topics = [
      watched(bo, staged.team, "eng"),
      watched(bo, staged.settings, "bo"),
      watched(ada, staged.team, "eng"),
    ] as const;
    for (const topic of topics) await statusOf(topic).toBe("live");
    await staged.leave("bo", "eng");
    await statusOf(topics[0]).toBe("refused");
    expect(topics.map(({ state }) => state.status)).toEqual(["refused", "live", "live"]);
    expect(topics[0].state.code).toBe("forbidden");
    expect(await topics[0].dispatch(task).rejection).toMatchObject({ code: "forbidden" });
  },
  PATIENCE,
);

test(
  "[AU15] [AU27] who is signed out is out in every tab, and the keys are good for nothing",
  async () => {
    const staged = await stage();
    const { signIn, cy, ada } = await clientsOf(staged);
    const tab = closing(await signIn("cy"));
    await expect.poll(() => tab.status.connection).toBe("open");
    await staged.signOut("cy");
    for (const client of [cy, tab]) {
      await expect
        .poll(() => client.status)
        .toMatchObject({ connection: "closed", reason: "unauthenticated" });
      client.connect();
      await expect
        .poll(() => client.status)
        .toMatchObject({ connection: "closed", reason: "unauthenticated" });
    }
    expect(staged.page.warned[0]).toContain("Give createClient({ token }) one that is valid");
    expect(ada.status.connection).toBe("open");
  },
  PATIENCE,
);
