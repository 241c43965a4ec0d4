// @calla/react/suspense: fallbacks, error boundaries, transitions, and what ends while it waits.
import { act, StrictMode, startTransition, Suspense, useState } from "react";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { useSession, useTopic } from "./suspense.ts";
import { Boundary, board, h, meanwhile, session, shown } from "../test/kit.ts";

const Title = ({ id }: { id: string }): ReactNode =>
  useTopic(board, [id], ({ model }) => `title ${model.title}`);
const waits = (child: ReactNode): ReactNode => h(Boundary, {}, h(Suspense, { fallback: "wait" }, child));

test("[BN17] a topic without a model suspends, and is shown with its first one, in strict mode too", async () => {
  const Both = (): ReactNode => [
    h(Title, { id: "1", key: 1 }),
    useTopic(board, ["1"]).status,
    useSession(session, ({ model }) => model.name),
    useSession(session).status,
  ];
  const { other, pass, text, asked } = await shown(h(StrictMode, {}, waits(h(Both))));
  expect(text()).toBe("wait");
  await pass();
  expect(text()).toBe("title livenobodylive");
  other.topic(board, "1").dispatch({ type: "renamed", title: "T" });
  await pass();
  expect(text()).toBe("title Tlivenobodylive");
  expect(asked("Subscribe")).toEqual(["@", "board:1"]);
});

test("[BN17] several topics are asked for in one rendering each, and whoever leaves while it waits leaves nothing subscribed", async () => {
  const { pass, render, asked, pair, text } = await shown("");
  pair.halfOpen("to-client");
  await render(waits(h(Title, { id: "1" })));
  expect(text()).toBe("wait");
  await render("");
  pair.cut();
  await pass(1_000);
  await pass(10_000);
  expect(asked("Unsubscribe")).toEqual(["board:1"]);
});

test("[BN18] a refused topic throws its code to the error boundary, whatever is tried, until somebody who holds it is let in", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { client, container, pass, refused, text, asked } = await shown(waits(h(Title, { id: "private" })));
  await pass();
  expect(text()).toBe("forbidden");
  const again = (): Promise<void> => act(async () => container.querySelector("button")!.click());
  await again();
  expect([text(), asked("Subscribe")]).toEqual(["forbidden", ["@", "board:private"]]);
  refused.clear();
  client.topic(board, "private").retain();
  await pass();
  await again();
  expect(text()).toBe("title ");
});

test("[BN18] a topic that is refused while it is shown throws", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { pass, refused, server, text } = await shown(waits(h(Title, { id: "1" })));
  await pass();
  expect(text()).toBe("title ");
  refused.add("1");
  await act(() => meanwhile(server.reauthorise({ topic: "board:1" })));
  await pass();
  expect(text()).toBe("forbidden");
});

test("[BN18] a client that is closed while a topic waits throws closed", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { client, pair, render, text } = await shown("");
  pair.reachable = false;
  pair.cut();
  await render(waits(h(Title, { id: "2" })));
  expect(text()).toBe("wait");
  await act(() => meanwhile(client.close()));
  expect(text()).toBe("closed");
});

test("[BN17] in a transition the former topic stays until the next one has a model", async () => {
  let go!: (id: string) => void;
  const App = (): ReactNode => {
    const [id, become] = useState("1");
    go = become;
    return h(Suspense, { fallback: "wait" }, h("b", {}, `${id} `), h(Title, { id }));
  };
  const { pass, text } = await shown(h(App));
  await pass();
  expect(text()).toBe("1 title ");
  await act(async () => startTransition(() => go("2")));
  expect(text()).toBe("1 title ");
  await pass();
  expect(text()).toBe("2 title ");
});
