// What a component dispatches, what becomes of it, and what it hears of the connection, of pushes and of rejections.
import { memoryStorage } from "@calla/client";
import type { WriteOf } from "@calla/client";
import { act, StrictMode, useState } from "react";
import type { ReactNode } from "react";
import { expect, test } from "vitest";
import { useConnection, useDispatch, usePending, usePush, useRejection, useWrite } from "./index.ts";
import { shallow } from "./shallow.ts";
import { board, cursors, h, meanwhile, session, show, shown, world } from "../test/kit.ts";

test("[BN19] dispatch is one function for one topic, and a write is followed to its end", async () => {
  const dispatches = new Set<unknown>();
  const views = new Set<{ readonly state: string } | undefined>();
  let write!: (at: number) => void;
  const Form = (): ReactNode => {
    const [current, follow] = useState<WriteOf<typeof board>>();
    const dispatch = useDispatch(board, ["1"]);
    const view = useWrite(current);
    dispatches.add(dispatch);
    views.add(view);
    write = (at) => follow(() => dispatch({ type: "ticked", at }) as WriteOf<typeof board>);
    const { state, reason } = view ?? {};
    return `${state} ${reason?.code} ${usePending(board, ["1"]).length}`;
  };
  const { other, pass, text, pair } = await shown(h(Form));
  await pass();
  other.topic(board, "1").dispatch({ type: "added", text: "a" });
  await pass();
  expect(text()).toBe("undefined undefined 0");
  await act(async () => write(0));
  await pass(5);
  expect(text()).toBe("sent undefined 1");
  await pass();
  expect(text()).toBe("applied undefined 0");
  pair.reachable = false;
  pair.cut();
  await pass(1_000);
  await act(async () => write(7));
  await pass(1_000);
  expect(text()).toBe("queued undefined 1");
  pair.reachable = true;
  await pass(10_000);
  expect(text()).toBe("rejected noSuchCard 0");
  expect(dispatches.size).toBe(1);
  // One object for each step; React may skip one that is over by then.
  const steps = [...views].map((view) => view?.state).filter((state) => state !== "sent");
  expect(steps).toEqual([undefined, "pending", "applied", "pending", "queued", "rejected"]);
});

test("[BN19] a rejection is heard once, by the newest callback, also of what an earlier page had dispatched", async () => {
  const storage = memoryStorage();
  const { clock, page } = world();
  const first = page({ storage, user: null });
  await clock.advance(100);
  first.pair.reachable = false;
  first.pair.cut();
  first.client.topic(board, "1").dispatch({ type: "ticked", at: 3 });
  await clock.advance(100);
  await meanwhile(first.client.close());
  const second = page({ storage, user: null });
  await clock.advance(1_000);
  const heard: unknown[] = [];
  const Toasts = ({ name }: { name: string }): ReactNode => {
    useRejection(board, ({ params: [id], messages, rejection, earlier }) =>
      heard.push([name, id, messages, rejection.code, earlier]),
    );
    useRejection(session, () => heard.push("session"));
    return name;
  };
  const { render } = await show(second.client, h(StrictMode, {}, h(Toasts, { name: "a" })));
  await act(() => clock.advance(100));
  const message = { type: "ticked", at: 3 };
  expect(heard).toEqual([["a", "1", [message], "noSuchCard", true]]);
  await render(h(StrictMode, {}, h(Toasts, { name: "b" })));
  second.client.topic(board, "1").dispatch({ type: "ticked", at: 3 });
  await act(() => clock.advance(100));
  expect(heard[1]).toEqual(["b", "1", [message], "noSuchCard", false]);
  await render("");
  second.client.topic(board, "1").dispatch({ type: "ticked", at: 3 });
  await act(() => clock.advance(100));
  expect(heard).toHaveLength(2);
});

test("[BN19] the connection is shown by the part that is asked for", async () => {
  let renders = 0;
  const Badge = (): ReactNode => {
    renders++;
    return useConnection(({ connection }) => connection);
  };
  const { client, pair, pass, text } = await shown(h(Badge));
  await pass();
  expect(text()).toBe("open");
  const before = renders;
  client.topic(board, "1").dispatch({ type: "renamed", title: "x" });
  await pass(5);
  expect([client.status.pending, renders]).toEqual([1, before]);
  pair.reachable = false;
  pair.cut();
  await pass(10);
  expect(["waiting", "connecting"]).toContain(text());
});

test("[BN19] pushes are heard by the newest callback, as long as the component is shown", async () => {
  const heard: unknown[] = [];
  const Pushes = ({ name }: { name: string }): ReactNode => {
    usePush(cursors, ["1"], ({ message }) => heard.push([name, message.x]));
    return name;
  };
  const { other, pass, render } = await shown(h(StrictMode, {}, h(Pushes, { name: "a" })));
  other.topic(cursors, "1").retain();
  await pass();
  const move = async (x: number): Promise<void> => {
    other.topic(cursors, "1").dispatch({ type: "moved", x });
    await pass();
  };
  await move(1);
  await render(h(StrictMode, {}, h(Pushes, { name: "b" })));
  await move(2);
  await render("");
  await move(3);
  expect(heard).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

test("[BN11] shallow compares arrays and plain objects entry by entry, and everything else by identity", () => {
  const one = { a: 1 };
  for (const [a, b, same] of [
    [1, 1, true],
    [NaN, NaN, true],
    [1, "1", false],
    [null, undefined, false],
    [null, {}, false],
    [[], [], true],
    [[], {}, false],
    [[1, one], [1, one], true],
    [[1], [1, 2], false],
    [[one], [{ a: 1 }], false],
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: undefined }, { b: undefined }, false],
    [Object.create(null), {}, false],
    [new Map(), new Map(), false],
    [new Date(0), new Date(0), false],
    [new (class {})(), new (class {})(), false],
  ] as const)
    expect([a, b, shallow(a, b)]).toEqual([a, b, same]);
});
