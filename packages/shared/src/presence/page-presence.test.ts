// One topic's presence over a host in the hand: bounds and moments that no server of a test brings about.
import { expect, test } from "vitest";
import type { ClientFrame, ServerFrames } from "../wire/protocol.ts";
import { listed } from "./members.ts";
import type { AnyMember } from "./members.ts";
import { createPagePresence } from "./page-presence.ts";

function setUp() {
  const sent: ClientFrame[] = [];
  const errors: unknown[] = [];
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  const told: unknown[] = [];
  const time = { now: 0 };
  const host = {
    clock: {
      now: () => 0,
      monotonic: () => time.now,
      setTimeout(run: () => void, at: number) {
        const timer = { at, run };
        timers.push(timer);
        return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
      },
      defer: (run: () => void) => run(),
    },
    strict: true,
    line: { send: (frames: readonly ClientFrame[]) => void sent.push(...frames) },
    report: (error: unknown) => void errors.push(error),
    same: (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b),
    open: true,
    closed: false,
    terminal: "",
    identity: { clientId: "c1" },
    userId: null,
    linger: 5_000,
    answerTimeout: 10_000,
    lastRef: 0,
  };
  const subscription = { phase: "answered", ref: 1, code: "" };
  const presence = createPagePresence(
    host,
    { key: "a", subscription },
    {
      touch: () => {},
      read: (meta) => (meta === "bad" ? undefined : meta),
      changes: { emit: (now) => told.push(now) },
    },
  );
  let at = 0;
  const tell = ({ whole, ...more }: Partial<ServerFrames["Presence"]> & { readonly whole?: true }): void => {
    const chain = whole ? { at: ++at } : { after: at, at: ++at };
    presence.hear({ type: "Presence", target: "a", ...chain, joins: [], leaves: [], ...more });
    presence.turned();
  };
  return {
    host,
    subscription,
    presence,
    sent,
    errors,
    timers,
    told,
    tell,
    time,
  };
}
const watched = () => {
  const all = setUp();
  all.presence.watch();
  all.presence.listens(1);
  all.presence.turned();
  return all;
};

test("[PC12] members beyond 131,072 are ignored, and those that are listed change and go as before", () => {
  const { presence, tell } = watched();
  const MOST = 131_072;
  tell({ whole: true, joins: Array.from({ length: MOST + 5 }, (_, i) => [i, "k", 1] as const) });
  expect(presence.look().count).toBe(MOST);
  tell({
    joins: [
      [MOST + 9, "k", 1],
      [0, "k", 2],
    ],
    leaves: [7],
  });
  expect(presence.look().count).toBe(MOST);
  expect(presence.look().list.get("k")?.[0]?.meta).toBe(2);
});

test("[PC17] what was missed is asked for once a second, as long as others go on changing and it is not told", () => {
  const { presence, sent, tell, time } = watched();
  tell({ whole: true, joins: [[5, "bo", 1]] });
  const asked = () => sent.splice(0).filter(({ type }) => type === "Ping").length;
  asked();
  const missing = () => tell({ after: 77, at: 78 });
  for (const [now, questions] of [
    [0, 1],
    [400, 0],
    [999, 0],
    [1_000, 1],
    [1_500, 0],
    [2_100, 1],
  ] as const) {
    time.now = now;
    missing();
    expect([now, asked()]).toEqual([now, questions]);
  }
  tell({ whole: true, joins: [[5, "bo", 2]] });
  missing();
  expect(asked()).toBe(1);
  expect(presence.look().list.get("bo")?.[0]?.meta).toBe(2);
});

test("[PC17] what an earlier subscription was told last names nothing in the next one", () => {
  const { presence, subscription, sent, tell } = watched();
  tell({ whole: true, joins: [[5, "bo", 1]] });
  expect(presence.ping()?.[1]).toBe(1);
  subscription.ref = 2;
  presence.turned();
  expect(presence.ping()?.[1]).toBe(0);
  // Its whole was lost.
  sent.splice(0);
  presence.hear({
    type: "Presence",
    target: "a",
    after: 1,
    at: 2,
    joins: [[6, "cy", 1]],
    leaves: [],
  });
  expect([presence.look().list.has("cy"), sent.map(({ type }) => type)]).toEqual([false, ["Ping"]]);
});

test("[PC17] what no server keeps is asked of none; a page whose meta alone was refused goes on asking who is here", () => {
  for (const [code, asks] of [
    ["no-presence", false],
    ["too-many-topics", false],
    ["invalid", true],
    ["too-large", true],
  ] as const)
    for (const tracks of [true, false]) {
      const { presence } = watched();
      if (tracks) presence.track({ n: 1 });
      presence.turned();
      presence.hear({ type: "Untracked", target: "a", code });
      presence.turned();
      expect([code, tracks, presence.ping() !== undefined]).toEqual([code, tracks, asks]);
      presence.track({ n: 2 });
      presence.turned();
      expect(presence.ping()?.[2]).toBeGreaterThan(1);
    }
});

test("[PC7] a member that goes and comes in one frame stays, and a frame that changes nothing tells nobody", () => {
  const { presence, tell, told } = watched();
  tell({ whole: true, joins: [[5, "bo", 1]] });
  expect(told).toHaveLength(1);
  const { list } = presence.look();
  tell({ leaves: [5], joins: [[5, "bo", 1]] });
  tell({ joins: [[5, "bo", 1]] });
  tell({ leaves: [6] });
  expect(presence.look().list).toBe(list);
  expect(told).toHaveLength(1);
});

test("[PC8] whom a whole does not name goes a moment later, unless more of it names him", () => {
  const { presence, tell, timers } = watched();
  const keys = () => [...presence.look().list.keys()].toSorted().join();
  tell({
    whole: true,
    joins: [
      [5, "bo", 1],
      [6, "cy", 1],
      [7, "di", 1],
    ],
  });
  tell({ whole: true, joins: [[5, "bo", 1]] });
  expect(keys()).toBe("bo,cy,di");
  tell({ joins: [[6, "cy", 1]], leaves: [7] });
  expect(keys()).toBe("bo,cy");
  tell({ whole: true, joins: [[5, "bo", 1]] });
  expect(timers.map(({ at }) => at)).toEqual([100]);
  timers.shift()!.run();
  expect(keys()).toBe("bo");
});

test("[PC8] no timer is left once the client is closed, or nobody is told any more", () => {
  const { host, presence, tell, timers, subscription } = watched();
  tell({ whole: true, joins: [[5, "bo", 1]] });
  timers.shift()!.run();
  host.open = false;
  presence.turned();
  presence.turned();
  expect(timers.map(({ at }) => at)).toEqual([15_000]);
  void presence.ask(0).catch(() => {});
  host.closed = true;
  subscription.phase = "off";
  presence.turned();
  expect(timers).toEqual([]);
  expect(presence.look()).toMatchObject({ status: "loading", count: 0 });
});

test("[PC7] a list of a great many under one key is made in one go", () => {
  const all = Array.from({ length: 50_000 }, (_, i): AnyMember => ({
    key: "k",
    meta: i,
    from: 50_000 - i,
    self: false,
  }));
  const list = listed(all, new Map());
  expect(list.get("k")?.[0]).toBe(all.at(-1));
  expect(listed(all, list)).toBe(list);
  expect(listed(all.slice(1), list)).not.toBe(list);
});
