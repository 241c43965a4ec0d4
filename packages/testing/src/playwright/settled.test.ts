// settled without a browser: tabs whose clients say what the test wants.
import { expect, test } from "vitest";
import type { Line } from "./line/line.ts";
import type { Person } from "./person.ts";
import { tabsOf, untilSettled } from "./settled.ts";
import type { Tab } from "./settled.ts";

const LIST = Symbol.for("calla.tests");
const topic = {
  key: "board:1",
  status: "live",
  place: "3 (7)",
  its: { status: "live", place: "3 (7)" },
  same: true,
  models: undefined,
};
const client = { connection: "open", pending: 0, topics: [topic] };
type Client = Omit<typeof client, "topics"> & { readonly topics: readonly object[] };

/** A tab that shows one thing after the other, and the last for good. `asked` counts. */
function tab(name: string, ...shown: (Client | "none")[]) {
  const counts = { asked: 0, rested: 0 };
  const look = () => (shown.length > 1 ? shown.shift() : shown[0]);
  const evaluate = async (run: (what: string) => unknown, what: string): Promise<unknown> => {
    const now = what === "look" ? look() : shown[0];
    const its = { look: () => now, ask: () => void counts.asked++, rest: () => void counts.rested++ };
    Object.assign(globalThis, { [LIST]: now === "none" ? [] : [its] });
    const result = run(what);
    Reflect.deleteProperty(globalThis, LIST);
    return result;
  };
  const page = {
    url: () => "http://localhost:1/",
    evaluate,
    isClosed: () => false,
  } as unknown as Tab["page"];
  return { of: name, page, counts };
}
const settled = (...tabs: Tab[]): Promise<void> => untilSettled(tabs, { timeout: 100 });
const withTopic = (changed: object): Client => ({ ...client, topics: [{ ...topic, ...changed }] });

test("[PW9] it waits for what is under way, asks then, and is done when all agree", async () => {
  const ann = tab(
    "Ann",
    { ...client, connection: "connecting" },
    { ...client, pending: 1 },
    withTopic({ status: "stale" }),
    client,
    withTopic({ its: { status: "loading", place: "nothing" } }),
    client,
  );
  const bo = tab("Bo", client);
  await settled(ann, bo);
  expect([ann.counts, bo.counts]).toEqual([
    { asked: 1, rested: 1 },
    { asked: 1, rested: 1 },
  ]);
});

test("[PW9] whoever dispatches meanwhile is waited for, and the server is asked anew", async () => {
  const ann = tab("Ann", client, { ...client, pending: 1 }, client);
  await settled(ann);
  expect(ann.counts).toEqual({ asked: 2, rested: 1 });
});

test.each([
  ["shows no client of Calla", "none" as const],
  ["has no connection: it is waiting", { ...client, connection: "waiting" }],
  ["has 2 dispatches without an outcome", { ...client, pending: 2 }],
  ["board:1 is stale", withTopic({ status: "stale" })],
  ["board:1 is at 3 (7), the server at 4 (9)", withTopic({ its: { status: "live", place: "4 (9)" } })],
  [
    "board:1 is live, and for a second client refused",
    withTopic({ its: { status: "refused", place: "nothing" } }),
  ],
  [
    "so an update is not pure:\n  here:   [1]\n  server: [2]",
    withTopic({ same: false, models: ["[1]", "[2]"] }),
  ],
])("[PW9] otherwise it says whose tab and what: %s", async (sentence, shown) => {
  const ann = tab("Ann", shown);
  const bo = tab("Bo", client);
  const failing = settled(bo, ann);
  await expect(failing).rejects.toThrow("Ann's tab at http://localhost:1/");
  await expect(failing).rejects.toThrow(sentence);
  expect(bo.counts.rested).toBe(1);
});

test("[PW9] two tabs that each agree with what they were told, at different places, are not settled", async () => {
  const ahead = withTopic({ place: "4 (9)", its: { status: "live", place: "4 (9)" } });
  await expect(settled(tab("Ann", client), tab("Bo", ahead))).rejects.toThrow(
    "Bo's tab at http://localhost:1/: board:1 is at 4 (9), and at 3 (7) in Ann's tab at http://localhost:1/.",
  );
  const refused = withTopic({ status: "refused", its: { status: "refused", place: "nothing" } });
  await expect(settled(tab("Ann", client), tab("Bo", refused))).resolves.toBeUndefined();
});

test("[PW9] it does not wait for whose line is cut, and leaves out tabs that show no page", () => {
  const page = (url: string) => ({ url: () => url });
  const person = (whole: boolean) =>
    ({
      name: "Ann",
      line: { whole } as Line,
      tabs: [page("about:blank"), page("http://a/")],
    }) as unknown as Person;
  expect(() => tabsOf([person(false)])).toThrow("settled: Ann's line is cut or loses what it carries.");
  expect(tabsOf([person(true)])).toEqual([{ of: "Ann", page: { url: expect.any(Function) } }]);
});
