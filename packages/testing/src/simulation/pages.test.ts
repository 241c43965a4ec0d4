// One client's pages against one server, without a plan.
import { describe, expect, test } from "vitest";
import { ADD, ADD_ELSEWHERE, clientOf, configOf, NAME, setup, wiring } from "../../test/small-run.ts";
import { virtualClock } from "../doubles/clock.ts";
import { seededRandom } from "../doubles/random.ts";
import type { HistoryEvent } from "../history/history.ts";
import { Nodes } from "./nodes.ts";
import { Pages, placeOf } from "./pages.ts";
import type { RunConfig } from "./plan.ts";
import type { SimulationSetup } from "./setup.ts";
import { placesOf } from "./world.ts";

async function opened(
  client: Partial<RunConfig["clients"][number]> = {},
  config: Partial<RunConfig> = {},
  of: SimulationSetup<typeof wiring> = setup,
  wait = 100,
) {
  const clock = virtualClock(100_000_000);
  const random = seededRandom(3);
  const events: HistoryEvent[] = [];
  const counted: string[] = [];
  const made = {
    setup: of as never,
    config: configOf({ ...config, clients: [clientOf(client)] }),
    clock,
    random,
    record: (event: HistoryEvent) => void events.push(event),
    count: (what: string) => void counted.push(what),
    restored: () => {},
  };
  const nodes = new Nodes<typeof wiring>(made);
  const places = placesOf(of as never);
  const pages = new Pages<typeof wiring>({
    ...made,
    index: 0,
    places,
    server: nodes.reachable(0),
    servers: [nodes.reachable(0)],
  });
  await clock.advance(wait);
  const since = <T extends HistoryEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<HistoryEvent, { type: T }> => event.type === type);
  const dispatch = (action: number = ADD, cancel = false): void =>
    pages.dispatch(action, seededRandom(1), cancel);
  return { clock, events, counted, nodes, pages, places, since, dispatch };
}

test("a place is a topic by its slice and parameters", () => {
  const { slice, params } = setup.actions[ADD_ELSEWHERE]!;
  expect(placeOf(slice as never, params)).toEqual({ slice, params: ["2"], key: "list:2" });
});

describe("a page", () => {
  test("listens to its session and to what it subscribes to, and records what it is shown", async () => {
    const { pages, since } = await opened({ subscriptions: [1] });
    expect(pages.subscribed.toSorted()).toEqual(["@", "list:2"]);
    expect(since("listens").map(({ target }) => target)).toEqual(["list:2", "@"]);
    const last = since("shown").findLast(({ target }) => target === "list:2")!;
    expect(last).toMatchObject({ client: 0, page: 0, version: 1, status: "live", model: [], pending: [] });
    expect(last.as).toEqual({ userId: "ann", clientId: pages.client.clientId });
  });

  test("records a dispatch, what is stored and sent of it, and what its caller is told, once", async () => {
    const { clock, pages, since, dispatch } = await opened();
    dispatch();
    expect(pages.untold).toBe(1);
    expect(since("dispatched")).toMatchObject([{ client: 0, page: 0, target: "list:1", userId: "ann" }]);
    await clock.advance(100);
    const { id } = since("dispatched")[0]!;
    expect(since("stored").map(({ stage, mid }) => `${stage} ${mid}`)).toEqual(["asked 1", "durable 1"]);
    expect(since("sent")).toMatchObject([
      { target: "list:1", mid: 1, id, empty: false, clientId: pages.client.clientId },
    ]);
    expect(since("told")).toMatchObject([{ id, told: { is: "applied", sequence: 1 } }]);
    expect(since("hooked")).toMatchObject([{ id, is: "applied", sequence: 1, code: "" }]);
    expect(pages.untold).toBe(0);
    dispatch(NAME);
    await clock.advance(100);
    expect(since("told")).toHaveLength(2);
  });

  test("is told of refusals and of what it takes back", async () => {
    const { clock, pages, since, dispatch } = await opened();
    for (let i = 0; i < 6; i++) dispatch();
    await clock.advance(200);
    expect(since("told").map(({ told }) => ("code" in told ? `${told.is} ${told.code}` : told.is))).toEqual([
      ...Array.from({ length: 5 }, () => "applied"),
      "rejected full",
    ]);
    pages.client.disconnect();
    dispatch(ADD, true);
    await clock.advance(100);
    expect(since("told").at(-1)!.told).toEqual({ is: "ended", code: "cancelled" });
    expect(pages.untold).toBe(0);
  });

  test("subscribes to a topic once, and hears no more of one that it has left", async () => {
    const { clock, pages, since, dispatch } = await opened();
    pages.subscribe(0);
    pages.subscribe(1);
    pages.unsubscribe(0);
    pages.unsubscribe(0);
    expect([pages.subscribed.toSorted(), [...pages.subscriptions]]).toEqual([["@", "list:2"], [1]]);
    await clock.advance(100);
    expect(since("listens").map(({ target }) => target)).toEqual(["list:1", "@", "list:2"]);
    const before = since("shown").filter(({ target }) => target === "list:1").length;
    dispatch();
    await clock.advance(100);
    expect(since("shown").filter(({ target }) => target === "list:1")).toHaveLength(before);
  });

  test("that does not know its user predicts as nobody until the server has named it", async () => {
    for (const [named, userId] of [
      [false, null],
      [true, "ann"],
    ] as const) {
      const { since, dispatch, clock } = await opened({ named }, {}, setup, 0);
      dispatch();
      await clock.advance(100);
      dispatch();
      expect(since("dispatched").map((one) => one.userId)).toEqual([userId, "ann"]);
    }
    const visitor = await opened({ named: false, user: null }, { visitors: true });
    visitor.dispatch();
    expect(visitor.since("dispatched")).toMatchObject([{ userId: null }]);
  });
});

describe("a page that is gone", () => {
  test("is followed by another one over what is on the disk; its callers hear nothing more", async () => {
    const { clock, pages, since, dispatch } = await opened({ commitDelay: 0 });
    dispatch();
    await clock.settle();
    pages.crash(false, 5);
    expect([pages.page, pages.untold, since("ended")]).toEqual([
      1,
      0,
      [{ type: "ended", client: 0, page: 0 }],
    ]);
    await clock.advance(500);
    expect(since("told")).toEqual([]);
    // The next page has brought it to an end.
    expect(since("hooked")).toMatchObject([{ page: 1, is: "applied" }]);
    dispatch();
    await clock.advance(100);
    expect(since("told")).toMatchObject([{ page: 1 }]);
    expect(
      since("listens")
        .filter(({ page }) => page === 1)
        .map(({ target }) => target),
    ).toEqual(["list:1", "@"]);
    expect(new Set(since("sent").map(({ clientId }) => clientId)).size).toBe(1);
  });

  test("takes what its disk had not stored with it where the machine went, too", async () => {
    const lost = await opened({ commitDelay: 40 });
    lost.dispatch();
    await lost.clock.settle();
    lost.pages.crash(true, 0);
    await lost.clock.advance(1_000);
    expect([lost.since("hooked"), lost.pages.disk.fired.lost > 0]).toEqual([[], true]);
    const kept = await opened({ commitDelay: 40 });
    kept.dispatch();
    await kept.clock.settle();
    kept.pages.crash(false, 0);
    await kept.clock.advance(1_000);
    expect(kept.since("hooked")).toHaveLength(1);
  });

  test("says nothing any more, and its server hears of its end later", async () => {
    const { clock, pages } = await opened();
    const [link] = pages.pair.links;
    pages.crash(false, 300);
    expect([link!.held, pages.pair.links.length]).toEqual([false, 1]);
    await clock.advance(299);
    expect(link!.throttle.waiting).toBe(0);
    expect(pages.pair.links.length).toBe(2);
    await clock.advance(1_000);
    expect(pages.client.status.connection).toBe("open");
  });
});

describe("what a client goes by", () => {
  test("is another way at each attempt, in turn", async () => {
    const { clock, pages } = await opened({ via: ["http", "socket"] });
    for (let i = 0; i < 2; i++) {
      pages.pair.cut();
      await clock.advance(3_000);
    }
    expect(pages.pair.links.slice(0, 3).map((link) => ("answers" in link ? "http" : "socket"))).toEqual([
      "http",
      "socket",
      "http",
    ]);
    expect(pages.client.status.connection).toBe("open");
  });

  test("may keep models, which the next page shows before it is let in", async () => {
    const { clock, counted, pages, since, dispatch } = await opened({ modelDelay: 5 });
    dispatch();
    await clock.advance(1_000);
    expect(counted).toContain("a model stored");
    expect(since("kept").some(({ target, sequence }) => target === "list:1" && sequence === 1)).toBe(true);
    pages.pair.reachable = false;
    pages.crash(false, 0);
    await clock.advance(200);
    expect(counted).toContain("a stored model shown");
    const shown = since("shown").find(
      ({ page, target, model }) => page === 1 && target === "list:1" && model !== undefined,
    );
    expect(shown).toMatchObject({ status: "stale" });
  });
});

describe("a page's version", () => {
  const older = { wiring, server: setup.server as never, actions: setup.actions };

  test("is the older one in a deploy, for most pages; told of a newer one it reloads into that, once", async () => {
    const { clock, counted, pages, events } = await opened({}, { rolling: true }, { ...setup, older });
    await clock.advance(1_000);
    // The same wiring is the same version: nobody tells it of another.
    expect([counted.includes("a page told of a newer version"), pages.page]).toEqual([false, 0]);
    expect(events.filter(({ type }) => type === "reported")).toEqual([]);
  });

  test("that is the newest is told of no newer one: that is a mistake, and reported", async () => {
    const next = wiring;
    expect(next.versions()).toEqual({ session: 1, "list:*": 1 });
    const { clock, pages, since } = await opened();
    const [link] = pages.pair.links;
    expect(link!.whole).toBe(true);
    const version = { type: "Version", protocol: 1, slices: { "list:*": 2, session: 1 }, terminal: true };
    pages.pair.toClient.push({ data: JSON.stringify(version), frames: [], end: undefined });
    await clock.advance(500);
    expect(since("reported")).toMatchObject([
      { by: "client 0", error: { message: "A page of the newest version was told of a newer one." } },
    ]);
    expect(pages.page).toBe(0);
  });
});

test("a clock that is set is this page's alone, and counts for what it does from then on", async () => {
  const { clock, pages, since, dispatch } = await opened();
  pages.setClock(-3_600_000);
  dispatch();
  await clock.advance(100);
  expect(since("stored")[0]!.at).toBeGreaterThan(0);
  expect(since("told")).toHaveLength(1);
  expect(clock.now()).toBeGreaterThan(100_000_000);
});
