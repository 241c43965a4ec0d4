// A real server, pages before it on a virtual clock, and React's roots in a document: what all tests of the hooks use.
import { createServer } from "@calla/server";
import {
  automatic,
  defineEphemeral,
  defineLocal,
  definePresence,
  defineSession,
  defineTopic,
  defineWiring,
  json,
} from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { createClient } from "@calla/client";
import type { ClientOptions } from "@calla/client";
import { connectionPair, seededRandom, virtualClock } from "@calla/testing";
import type { VirtualClock } from "@calla/testing";
import { act, Component, createElement } from "react";
import type { ReactNode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import type { RootOptions } from "react-dom/client";
import { afterEach } from "vitest";
import * as z from "zod";
import { CallaProvider } from "../src/index.ts";

export const h = createElement;

export const board = defineTopic("board:*", {
  model: z.object({ title: z.string(), cards: z.array(z.object({ text: z.string(), done: z.boolean() })) }),
  initial: () => ({ title: "", cards: [] }),
  messages: {
    renamed: z.object({ title: z.string() }),
    added: z.object({ text: z.string() }),
    ticked: z.object({ at: z.number() }),
  },
  rejections: { noSuchCard: z.object({ at: z.number() }) },
  presence: definePresence(z.object({ name: z.string() })),
  update: {
    renamed: (model, { title }) => ({ ...model, title }),
    added: (model, { text }) => ({ ...model, cards: [...model.cards, { text, done: false }] }),
    ticked: (model, { at }, { reject }) =>
      at < model.cards.length
        ? { ...model, cards: model.cards.map((card, i) => (i === at ? { ...card, done: true } : card)) }
        : reject("noSuchCard", { at }),
  },
});
export const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});
export const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "nobody" }),
  messages: { named: z.object({ name: z.string() }) },
  update: { named: (_, { name }) => ({ name }) },
});
export const local = defineLocal({
  model: z.object({ open: z.boolean() }),
  initial: () => ({ open: false }),
  messages: { toggled: z.object({}) },
  update: { toggled: ({ open }) => ({ open: !open }) },
});
export const wiring = defineWiring({ session, topics: [board, cursors], local });
export const serialiser = automatic(json());

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
const ends: (() => unknown)[] = [];
let time: VirtualClock | undefined;
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await meanwhile(end());
});
/** What the server or a client does by and by, while time passes. */
export async function meanwhile<T>(done: T | Promise<T>): Promise<T> {
  await time?.advance(50);
  return done;
}

/** A server whose boards anybody may see, those in `refused` apart. */
export function world() {
  const clock = (time = virtualClock());
  const server = createServer({ wiring, serialiser, clock, random: seededRandom(1) });
  server.handle(session, { public: true });
  const refused = new Set(["private"]);
  server.handle(board, {
    canSubscribe: ({ params: [id] }) => !refused.has(id),
    canDispatch: () => true,
  });
  server.handle(cursors, { canSubscribe: () => true, canDispatch: () => true });
  let seed = 1;
  /** `frames`: all that it has sent. */
  const page = (options: Partial<ClientOptions<typeof wiring>> = {}) => {
    const frames: ClientFrame[] = [];
    const pair = connectionPair(server, {
      serialiser,
      clock,
      latency: () => 10,
      onSent: (frame) => frames.push(frame),
    });
    const errors: unknown[] = [];
    const client = createClient({
      wiring,
      serialiser: pair.serialiser,
      transport: pair.transport,
      clock,
      random: seededRandom(++seed),
      onError: (error) => errors.push(error),
      ...options,
    });
    ends.push(() => client.close());
    const asked = (type: "Subscribe" | "Unsubscribe"): readonly string[] =>
      frames.flatMap((frame) =>
        frame.type === type
          ? [frame.target]
          : frame.type === "Hello" && type === "Subscribe"
            ? frame.targets.map(({ target }) => target)
            : [],
      );
    return { client, pair, frames, asked, errors };
  };
  /** Time passes, and React shows what has come of it. */
  const pass = (milliseconds = 100): Promise<void> =>
    act(async () => {
      await clock.advance(milliseconds);
    });
  ends.push(() => server.stop());
  return { clock, server, page, pass, refused };
}

/** A page whose client is connected and shows these elements. */
export async function shown(element: ReactNode, options: Partial<ClientOptions<typeof wiring>> = {}) {
  const all = world();
  const page = all.page(options);
  const other = all.page().client;
  await all.pass();
  const view = await show(page.client, element);
  return { ...all, ...page, ...view, other };
}

export async function show(client: object | undefined, element: ReactNode) {
  const container = document.createElement("div");
  const root = createRoot(container);
  ends.push(() => act(() => root.unmount()));
  const render = (next: ReactNode): Promise<void> =>
    act(async () => root.render(h(CallaProvider, { client }, next)));
  await render(element);
  return { container, root, render, text: () => container.textContent };
}

/** Takes over what the server has rendered. `recovered`: what React had to mend. */
export async function hydrate(html: string, element: ReactNode, options: RootOptions = {}) {
  const container = document.createElement("div");
  container.innerHTML = html;
  const recovered: unknown[] = [];
  const shownTexts: (string | null)[] = [];
  const observer = new MutationObserver(() => shownTexts.push(container.textContent));
  observer.observe(container, { childList: true, characterData: true, subtree: true });
  const root = await act(async () =>
    hydrateRoot(container, element, { ...options, onRecoverableError: (error) => recovered.push(error) }),
  );
  ends.push(() => act(() => root.unmount()));
  return { container, root, recovered, shownTexts, text: () => container.textContent };
}

/** Shows what was thrown below it. */
export class Boundary extends Component<{ readonly children?: ReactNode }> {
  override state: { readonly error?: { readonly code?: string; readonly message: string } } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error
      ? h("button", { onClick: () => this.setState({ error: undefined }) }, error.code ?? error.message)
      : this.props.children;
  }
}
