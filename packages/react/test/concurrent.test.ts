// Concurrent rendering: React may stop in the middle of it, and the topic go on. What is on the screen is of one time.
import { act, startTransition, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import { CallaProvider, useTopic } from "../src/index.ts";
import { board, h, world } from "./kit.ts";

const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
/** The loop turns, and React does its next piece. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("[BN15] a topic that changes between two pieces of one rendering is shown in one state", async () => {
  const { clock, page } = world();
  const { client } = page();
  const topic = client.topic(board, "1");
  topic.retain();
  await clock.advance(100);

  const read: (string | undefined)[] = [];
  const Slow = (): ReactNode => {
    const title = useTopic(board, ["1"], ({ model }) => model?.title);
    read.push(title);
    // Longer than React works at a stretch.
    for (const until = performance.now() + 12; performance.now() < until;);
    return h("i", {}, title);
  };
  let show!: (on: boolean) => void;
  const App = (): ReactNode => {
    const [on, turnOn] = useState(false);
    useEffect(() => {
      show = turnOn;
    }, []);
    return on ? Array.from({ length: 8 }, (_, key) => h(Slow, { key })) : "";
  };
  const container = document.createElement("div");
  const seen = new Set<string>();
  const observer = new MutationObserver(() =>
    seen.add(Array.from(container.querySelectorAll("i"), ({ textContent }) => textContent).join()),
  );
  observer.observe(container, { childList: true, subtree: true, characterData: true });
  const root = createRoot(container);
  await act(async () => root.render(h(CallaProvider, { client }, h(App))));
  environment.IS_REACT_ACT_ENVIRONMENT = false;
  try {
    startTransition(() => show(true));
    for (let changes = 0; !container.querySelector("i");) {
      await turn();
      // Three times in the middle of it.
      if (read.length > changes * 2 && changes < 3) {
        topic.dispatch({ type: "renamed", title: `t${++changes}` });
        await clock.advance(0);
      }
    }
    for (let turns = 0; turns < 50; turns++) await turn();
  } finally {
    environment.IS_REACT_ACT_ENVIRONMENT = true;
  }
  expect(new Set(read).size).toBeGreaterThan(1);
  const texts = [...seen].filter((text) => text !== "");
  expect(texts.length).toBeGreaterThan(0);
  for (const text of texts) expect(new Set(text.split(",")).size).toBe(1);
  expect(texts.at(-1)).toBe(Array(8).fill("t3").join());
  await act(async () => root.unmount());
});
