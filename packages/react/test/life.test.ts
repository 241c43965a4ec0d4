// How long what a component shows stays subscribed: strict mode, unmounting, what is stored.
import { memoryStorage } from "@calla/client";
import { act, StrictMode } from "react";
import { expect, test } from "vitest";
import { usePresence, usePush, useTopic, useTrack } from "../src/index.ts";
import { board, h, meanwhile, serialiser, show, shown, world } from "./kit.ts";
import { hydrated } from "@calla/client/hydration";

const Title = ({ id }: { id: string }) => useTopic(board, [id], ({ model }) => model?.title ?? "…");

test("[BN14] strict mode, which mounts twice, subscribes once, and leaves nothing behind", async () => {
  const All = () => {
    useTrack(board, ["1"], { name: "Ada" });
    usePush(board, ["1"], () => {});
    const count = usePresence(board, ["1"], (presence) => presence.count);
    return `${useTopic(board, ["1"]).status} ${count}`;
  };
  const { client, clock, pass, render, text, asked, frames } = await shown(h(StrictMode, {}, h(All)));
  await pass();
  expect([text(), asked("Subscribe")]).toEqual(["live 1", ["@", "board:1"]]);
  expect(frames.filter(({ type }) => type === "Track")).toHaveLength(1);
  await render("");
  await pass(4_000);
  expect(asked("Unsubscribe")).toEqual([]);
  await pass(2_000);
  expect(asked("Unsubscribe")).toEqual(["board:1"]);
  // What is gone is looked up anew, as of nobody.
  expect(client.topic(board, "1").state.status).toBe("loading");
  await clock.advance(60_000);
  expect(asked("Subscribe")).toHaveLength(2);
});

test("[BN14] who comes back within linger finds the topic as it was, and nobody has asked for it anew", async () => {
  const { pass, render, text, asked } = await shown(h(Title, { id: "1" }));
  await pass();
  await render("");
  await pass(4_000);
  await render(h(Title, { id: "1" }));
  expect(text()).toBe("");
  await pass(6_000);
  expect([asked("Subscribe"), asked("Unsubscribe")]).toEqual([["@", "board:1"], []]);
});

test("[BN14] a topic is asked for in the first rendering, before any effect, and a stored model is in that rendering", async () => {
  const { clock, server, page, pass } = world();
  await meanwhile(server.topic(board, "1").dispatch({ type: "renamed", title: "from the page" }));
  const text = await meanwhile(server.hydrate([server.topic(board, "1")]));
  const { client } = page({
    storage: hydrated(memoryStorage(), { serialiser, text: String(text) }),
    user: null,
  });
  await clock.advance(0);
  const texts: unknown[] = [];
  const Told = () => {
    const title = Title({ id: "1" });
    texts.push(title);
    return title;
  };
  await show(client, h(Told));
  await pass();
  expect(new Set(texts)).toEqual(new Set(["from the page"]));
});

test("[BN14] what is rendered and never shown is forgotten after linger", async () => {
  const Throws = (): string => {
    const title = Title({ id: "2" });
    if (title === "…") throw new Promise(() => {});
    return title;
  };
  const { pass, render, asked } = await shown("");
  const { Suspense } = await import("react");
  await render(h(Suspense, { fallback: "wait" }, h(Throws)));
  await pass();
  expect(asked("Subscribe")).toContain("board:2");
  await render("");
  await pass(10_000);
  expect(asked("Unsubscribe")).toEqual(["board:2"]);
});

test("[BN12] a client that comes later, or is another, is followed from then on", async () => {
  const { clock, page } = world();
  const [first, second] = [page(), page()];
  await clock.advance(100);
  const { root, text } = await show(undefined, h(Title, { id: "1" }));
  expect(text()).toBe("…");
  const { CallaProvider } = await import("../src/index.ts");
  for (const { client } of [first, second]) {
    await act(async () => root.render(h(CallaProvider, { client }, h(Title, { id: "1" }))));
    await act(async () => clock.advance(100));
    expect(text()).toBe("");
  }
  await act(async () => clock.advance(6_000));
  expect([first.asked("Unsubscribe"), second.asked("Unsubscribe")]).toEqual([["board:1"], []]);
});
