// Rendering on the server, and taking it over in the browser: no flash, no mismatch, nothing subscribed on the server.
import { memoryStorage } from "@calla/client";
import { hydrated, parseHydration } from "@calla/client/hydration";
import { act, StrictMode, Suspense } from "react";
import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import {
  CallaProvider,
  useClient,
  useConnection,
  useDispatch,
  useLocal,
  usePresence,
  useRejection,
  useSession,
  useTopic,
  useTrack,
  useWrite,
} from "../src/index.ts";
import * as suspense from "../src/suspense.ts";
import { board, cursors, h, hydrate, local, meanwhile, serialiser, session, world } from "./kit.ts";

const Board = (): ReactNode => {
  const { status, model } = useTopic(board, ["1"]);
  return h("p", {}, `${status} ${model?.title ?? "…"} ${model?.cards.map(({ text }) => text).join() ?? ""}`);
};

/** A page that the server has rendered with a board in it, and the client that takes it over. */
async function rendered(element: ReactNode) {
  const all = world();
  await meanwhile(
    all.server.topic(board, "1").dispatch([
      { type: "renamed", title: "T" },
      { type: "added", text: "a" },
    ]),
  );
  const given = await meanwhile(all.server.hydrate([all.server.topic(board, "1")]));
  const text = String(given);
  const hydration = parseHydration(text, serialiser);
  const html = renderToString(h(CallaProvider, { hydration }, element));
  const page = all.page({ storage: hydrated(memoryStorage(), { serialiser, text }), user: null });
  return {
    ...all,
    ...page,
    html,
    hydration,
    inPage: h(CallaProvider, { client: page.client, hydration }, element),
  };
}

test("[BN16] the server renders the page's models as stale and without a client subscribes to nothing", async () => {
  const All = (): ReactNode => {
    const client = useClient();
    useTrack(board, ["1"], { name: "Ada" });
    useRejection(board, () => {});
    const { connection } = useConnection();
    const dispatch = useDispatch(board, ["1"]);
    const texts = [
      client === undefined,
      connection,
      useSession(session).status,
      useTopic(cursors, ["1"]).latest.size,
      useTopic(board, ["2"]).status,
      usePresence(board, ["1"]).count,
      useLocal(local).open,
      useWrite(undefined),
    ];
    expect(() => dispatch({ type: "renamed", title: "x" })).toThrow(
      expect.objectContaining({ code: "closed" }),
    );
    return [h(Board, { key: 1 }), texts.join(" ")];
  };
  const { html } = await rendered(h(All));
  expect(html).toBe("<p>stale T a</p>true offline loading 0 loading 0 false ");
});

test("[BN16] the browser takes it over without a mismatch and without a flash, and goes on from there", async () => {
  const errors = vi.spyOn(console, "error");
  const { html, inPage, pass, server, frames } = await rendered(h(StrictMode, {}, h(Board)));
  const page = await hydrate(html, inPage);
  expect(page.text()).toBe("stale T a");
  await pass();
  expect(page.text()).toBe("live T a");
  await act(() => meanwhile(server.topic(board, "1").dispatch({ type: "renamed", title: "U" })));
  await pass();
  expect(page.shownTexts.filter((text, i, all) => text !== all[i - 1])).toEqual(["live T a", "live U a"]);
  expect([page.recovered, errors.mock.calls]).toEqual([[], []]);
  // It has asked from the page's cursor, so nothing was sent twice.
  const asked = frames.flatMap((frame) =>
    frame.type === "Hello" ? frame.targets : frame.type === "Subscribe" ? [frame] : [],
  );
  expect(asked.find(({ target }) => target === "board:1")?.cursor?.sequence).toBe(1);
});

test("[BN16] what has changed before the page is taken over is shown after it, not during it", async () => {
  const errors = vi.spyOn(console, "error");
  const { client, clock, html, inPage, pass, server } = await rendered(h(Board));
  client.topic(board, "1").retain();
  await clock.advance(100);
  await act(() => meanwhile(server.topic(board, "1").dispatch({ type: "renamed", title: "U" })));
  await clock.advance(100);
  expect(client.topic(board, "1").state.model?.title).toBe("U");
  const page = await hydrate(html, inPage);
  await pass();
  expect([page.text(), page.recovered, errors.mock.calls]).toEqual(["live U a", [], []]);
});

test("[BN16] a page's model of another version of the slice is not shown", async () => {
  const { hydration } = await rendered("");
  const stored = hydration.models.get("board:1")!;
  const models = new Map([["board:1", { ...stored, version: 2 }]]);
  const html = renderToString(h(CallaProvider, { hydration: { ...hydration, models } }, h(Board)));
  expect(html).toBe("<p>loading … </p>");
});

test("[BN16] [BN17] with Suspense the server renders what the page has, and leaves the rest to the browser", async () => {
  const Title = ({ id }: { id: string }): ReactNode =>
    h(
      "b",
      {},
      suspense.useTopic(board, [id], ({ model }) => model.title),
    );
  const element = [
    h(Suspense, { key: 1, fallback: "wait" }, h(Title, { id: "1" })),
    h(Suspense, { key: 2, fallback: "wait" }, h(Title, { id: "2" })),
  ];
  const { html, inPage, other, pass } = await rendered(element).then((all) => ({
    ...all,
    other: all.page().client,
  }));
  expect(html.replaceAll(/<!--.*?-->|<template[^]*?<\/template>/g, "")).toBe("<b>T</b>wait");
  const page = await hydrate(html, inPage);
  other.topic(board, "2").dispatch({ type: "renamed", title: "second" });
  await act(async () => {});
  await pass(200);
  expect(page.text()).toBe("Tsecond");
});
