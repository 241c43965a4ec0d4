import { expect, test } from "vitest";
import { ephemeralPage } from "./ephemeral-page.ts";
import type { Keep, PageHost, TopicHandle, Told } from "./slice.ts";

interface Opened {
  readonly state: { readonly status: string; readonly code: string; readonly latest: unknown };
  dispatch(message: unknown): void;
}

/** A page whose turn is ended by hand. */
function page(keep: Keep, model?: unknown) {
  let now: object = { status: "live", code: "", model };
  const deferred: (() => void)[] = [];
  const sent: Told[] = [];
  const host: PageHost = {
    clock: { now: () => 0, setTimeout: () => () => {}, defer: (run) => deferred.push(run) },
    random: { uint32: () => 7 },
    strict: true,
    same: Object.is,
    line: { send: (frames) => sent.push(...frames) },
  };
  const handle: TopicHandle = {
    id: "cursors:1",
    state: () => now as ReturnType<TopicHandle["state"]>,
    retain: () => () => {},
    touch: () => {},
    onChange: () => () => {},
    onPush: () => () => {},
  };
  const topic = ephemeralPage(keep).open(host, handle, (_, __, input) => {
    if (input === "bad") throw new TypeError("bad");
    return [input].flat();
  }) as Opened;
  const become = (next: object): void => void (now = { ...now, ...next });
  return { topic, sent, become, turn: () => deferred.splice(0).forEach((run) => run()) };
}

test.each([
  ["none", ["a", "b", "c"]],
  ["latest", ["c"]],
] as const)("[EP1] [EP5] what is told in a turn leaves once, without a mid: keep %s", (keep, left) => {
  const { topic, sent, turn } = page(keep);
  topic.dispatch("a");
  topic.dispatch(["b", "c"]);
  expect(sent).toEqual([]);
  turn();
  expect(sent).toMatchObject(left.map((one) => ({ target: "cursors:1", mid: 0, messages: [one] })));
  topic.dispatch("d");
  turn();
  expect(sent.slice(left.length)).toMatchObject([{ messages: ["d"] }]);
});

test("[OB21] what may not be told throws, and what was told before it leaves all the same", () => {
  const { topic, sent, turn } = page("none");
  topic.dispatch("a");
  expect(() => topic.dispatch("bad")).toThrow("bad");
  turn();
  expect(sent).toHaveLength(1);
});

test("[EP2] the latest of each author stands, who has left stands no more, and the server's own is nobody's", () => {
  const { heard } = ephemeralPage("latest");
  const says = (from: number | null, ...texts: string[]) => ({
    from,
    userId: null,
    messages: texts.map((type) => ({ type })),
  });
  const before = new Map();
  const after = heard(before, [says(1, "a", "b"), says(2, "c"), says(null, "d")]);
  expect(before.size).toBe(0);
  expect(after).toEqual(
    new Map([
      [1, { message: { type: "b" }, userId: null }],
      [2, { message: { type: "c" }, userId: null }],
    ]),
  );
  expect([...(heard(after, [says(1)]) as typeof before).keys()]).toEqual([2]);
  const { heard: nothing } = ephemeralPage("none");
  expect(nothing(before, [says(1, "a")])).toBe(before);
});

test("[BN3] state is one object until something in it changes, and says why nothing is live", () => {
  const latest = new Map([[1, { message: { type: "a" }, userId: null }]]);
  const { topic, become } = page("latest", latest);
  const { state } = topic;
  expect(state).toEqual({ status: "live", code: "", latest });
  expect(topic.state).toBe(state);
  become({ status: "refused", code: "forbidden", model: undefined });
  expect(topic.state).toEqual({ status: "refused", code: "forbidden", latest: new Map() });
  expect(topic.state).toBe(topic.state);
});
