// What is shown of topics, the session and the local slice, and how often it is rendered.
import { act, useState } from "react";
import { expect, test, vi } from "vitest";
import { useDispatch, useLocal, usePending, useSession, useTopic } from "./index.ts";
import { Boundary, board, cursors, h, local, session, show, shown, world } from "../test/kit.ts";

const Title = ({ id }: { id: string }) => useTopic(board, [id], ({ model }) => model?.title ?? "…");

test("[BN10] a component shows the part that it selects, from one's own message at once and from others' when they come", async () => {
  const { client, other, pass, text } = await shown(h(Title, { id: "1" }));
  expect(text()).toBe("…");
  await pass();
  expect(text()).toBe("");
  client.topic(board, "1").dispatch({ type: "renamed", title: "mine" });
  await pass(0);
  expect(text()).toBe("mine");
  await pass();
  other.topic(board, "1").dispatch({ type: "renamed", title: "theirs" });
  await pass();
  expect(text()).toBe("theirs");
});

test("[BN10] without select it shows the whole state, with its status and what is pending", async () => {
  const Whole = () => {
    const { status, pending } = useTopic(board, ["1"]);
    return `${status} ${pending.length} ${usePending(board, ["1"]).length}`;
  };
  const { client, pass, text } = await shown(h(Whole));
  expect(text()).toBe("loading 0 0");
  await pass();
  client.topic(board, "1").dispatch({ type: "renamed", title: "mine" });
  await pass(0);
  expect(text()).toBe("live 1 1");
  await pass();
  expect(text()).toBe("live 0 0");
});

test("[BN11] a component whose part is equal renders no more, also where select is a new function that makes new objects", async () => {
  let renders = 0;
  const Done = ({ times }: { times: number }) => {
    renders++;
    const { texts, count } = useTopic(board, ["1"], ({ model }) => ({
      texts: model?.title,
      count: model?.cards.filter(({ done }) => done).length ?? 0,
    }));
    return `${texts} ${count * times}`;
  };
  const { other, pass, render, text } = await shown(h(Done, { times: 1 }));
  await pass();
  const before = renders;
  other.topic(board, "1").dispatch({ type: "added", text: "a" });
  await pass();
  expect(renders).toBe(before);
  other.topic(board, "1").dispatch({ type: "ticked", at: 0 });
  await pass();
  expect([renders, text()]).toEqual([before + 1, " 1"]);
  await render(h(Done, { times: 2 }));
  expect([renders, text()]).toEqual([before + 2, " 2"]);
});

test("[BN11] select may close over props, an equality of one's own keeps the former object, and a nested new object does not loop", async () => {
  const seen = new Set<unknown>();
  const Cards = ({ done }: { done: boolean }) => {
    const cards = useTopic(
      board,
      ["1"],
      ({ model }) => ({ all: model?.cards.filter((card) => card.done === done) ?? [] }),
      (a, b) => a.all.length === b.all.length,
    );
    seen.add(cards);
    return cards.all.map(({ text }) => text).join();
  };
  const { other, pass, render, text } = await shown(h(Cards, { done: false }));
  await pass();
  const theirs = other.topic(board, "1");
  theirs.dispatch([
    { type: "added", text: "a" },
    { type: "added", text: "b" },
  ]);
  await pass();
  theirs.dispatch({ type: "ticked", at: 0 });
  await pass();
  expect([text(), seen.size]).toEqual(["b", 3]);
  theirs.dispatch({ type: "renamed", title: "t" });
  await pass();
  // By this equality it is the same: one is as good as another.
  await render(h(Cards, { done: true }));
  expect([text(), seen.size]).toEqual(["b", 3]);
});

test("[BN11] of 1,000 components one renders for a change of its own part", async () => {
  const rendered: number[] = [];
  const Card = ({ at }: { at: number }) => {
    rendered.push(at);
    return useTopic(board, ["1"], ({ model }) => model?.cards[at]?.text ?? "");
  };
  const { other, pass, text } = await shown(
    Array.from({ length: 1_000 }, (_, at) => h(Card, { at, key: at })),
  );
  await pass();
  const before = rendered.length;
  other.topic(board, "1").dispatch({ type: "added", text: "first" });
  await pass();
  expect([text(), rendered.slice(before)]).toEqual(["first", [0]]);
});

test("[BN12] parameters count by what they say; others switch in one commit, and none subscribe to nothing", async () => {
  const texts: string[] = [];
  const Status = ({ id }: { id: string | undefined }) => {
    const said = useTopic(board, id === undefined ? undefined : [id], ({ status, model }) => [
      status,
      model?.title,
    ]);
    texts.push(`${id} ${said}`);
    return texts.at(-1);
  };
  const { client, pass, render, text, asked } = await shown(h(Status, { id: undefined }));
  client.topic(board, "1").dispatch({ type: "renamed", title: "one" });
  await pass();
  expect([text(), asked("Subscribe")]).toEqual(["undefined loading,", ["@"]]);
  await render(h(Status, { id: "1" }));
  await pass();
  const stays = vi.spyOn(client.topic(board, "1"), "onChange");
  await render(h(Status, { id: "1" }));
  expect([text(), stays.mock.calls]).toEqual(["1 live,one", []]);
  await render(h(Status, { id: "2" }));
  expect(text()).toBe("2 loading,");
  expect(texts).not.toContain("2 live,one");
  await pass(6_000);
  expect([asked("Subscribe"), asked("Unsubscribe")]).toEqual([["@", "board:1", "board:2"], ["board:1"]]);
});

test("[BN13] ephemeral topics, the session and the local slice are shown likewise", async () => {
  const All = () => {
    const { latest } = useTopic(cursors, ["1"]);
    const name = useSession(session, ({ model }) => model?.name);
    const { open } = useLocal(local);
    return `${[...latest.values()].map(({ message }) => message.x)} ${name} ${open}`;
  };
  const { client, other, pass, text } = await shown(h(All));
  await pass();
  expect(text()).toBe(" nobody false");
  other.topic(cursors, "1").retain();
  await pass();
  other.topic(cursors, "1").dispatch({ type: "moved", x: 7 });
  await act(async () => {
    client.session.dispatch({ type: "named", name: "Ada" });
    client.local.dispatch({ type: "toggled" });
  });
  await pass();
  expect(text()).toBe("7 Ada true");
});

test("[BN10] what select throws goes to the error boundary", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const Throws = ({ when }: { when: string }) =>
    useTopic(board, ["1"], ({ status }) => {
      if (status === when) throw new Error(`boom of ${when}`);
      return status;
    });
  const first = await shown(h(Boundary, {}, h(Throws, { when: "loading" })));
  expect(first.text()).toBe("boom of loading");
});

test("[BN10] so does what it throws later", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const Throws = () =>
    useTopic(board, ["1"], ({ status, model }) => {
      if (model?.title === "bad") throw new Error("boom");
      return status;
    });
  const { other, pass, text } = await shown(h(Boundary, {}, h(Throws)));
  await pass();
  expect(text()).toBe("live");
  other.topic(board, "1").dispatch({ type: "renamed", title: "bad" });
  await pass();
  expect(text()).toBe("boom");
});

test("[BN10] outside of a provider, and of slices that the client has not, a sentence says so", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { page } = world();
  const { client } = page();
  const bare = await show(client, "");
  await expect(act(async () => bare.root.render(h(Title, { id: "1" })))).rejects.toThrow("CallaProvider");
  const Odd = () => (useDispatch(session) ? "yes" : "no");
  const without = await show({ ...client, session: undefined }, h(Boundary, {}, h(Odd)));
  expect(without.text()).toBe("wiring");
});

test("[BN12] a state of React's and a topic's change together", async () => {
  const Both = () => {
    const [id, become] = useState("1");
    const dispatch = useDispatch(board, [id]);
    const title = useTopic(board, [id], ({ model }) => model?.title);
    const onClick = (): void => {
      dispatch({ type: "renamed", title: "left" });
      become("2");
    };
    return h("button", { onClick }, `${id} ${title}`);
  };
  const { client, container, pass, text } = await shown(h(Both));
  await pass();
  await act(async () => container.querySelector("button")!.click());
  expect(text()).toBe("2 undefined");
  await pass();
  expect([text(), client.topic(board, "1").state.model?.title]).toEqual(["2 ", "left"]);
});
