import { register, Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { list, say, subscribe, wire } from "../../test/wired.ts";
import type { ServerEvent } from "../app/events.ts";
import type { Inspection } from "../inspect.ts";
import { prometheus } from "./prometheus.ts";

afterEach(() => register.clear());

/** Metrics of these events; how a line of theirs is found. */
async function told(...events: readonly ServerEvent[]) {
  const metrics = prometheus({ registry: new Registry() });
  for (const event of events) metrics.observe(event);
  const lines = (await metrics.registry.metrics()).split("\n");
  return { metrics, of: (name: string) => lines.filter((line) => line.startsWith(`calla_${name}`)) };
}
const client = { clientId: "c", userId: "u" } as const;
const appended = {
  type: "appended",
  targets: 2,
  records: 3,
  conflicts: 1,
  failed: false,
  queued: 0,
  took: 4,
} as const;
const inspection = (more: Partial<Inspection> = {}): Inspection => ({
  ready: true,
  connections: { all: 9, pending: 4, slow: 2, unwritten: 1_024 },
  targets: { open: 7, subscribed: 5, queued: 3 },
  topics: [],
  memory: { heapUsed: 0, rss: 0 },
  ...more,
});

test("[OV5] a server's events and counts become metrics, without a topic's name", async () => {
  const metrics = prometheus({ registry: new Registry() });
  const it = wire({ observe: metrics.observe });
  it.server.handle(list, { public: true });
  metrics.watch(it.server);
  const anna = await it.client();
  anna.say(
    subscribe("list:1"),
    say("list:1", 1, { type: "added", item: "1" }),
    say("list:1", 2, { type: "cleared" }),
  );
  await anna.heard();
  const text = await metrics.registry.metrics();
  for (const line of [
    "calla_connected_total 1",
    "calla_identities_total 1",
    'calla_created_total{slice="list:*"} 1',
    "calla_records_total 1",
    "calla_append_seconds_count 1",
    'calla_refused_total{code="server-only"} 1',
    'calla_resyncs_total{resync="snapshot",reason="first"} 1',
    "calla_connections 1",
    "calla_targets_subscribed 1",
    "calla_ready 1",
  ])
    expect(text).toContain(`${line}\n`);
  // A memory log does not count its bytes.
  expect(text).toMatch(/^calla_log_bytes nan$/im);
  expect(text).not.toContain("list:1");
});

test("[OV5] each event counts where it belongs, and the second time again", async () => {
  const events: readonly ServerEvent[] = [
    { type: "connected", ...client, fresh: true },
    { type: "connected", ...client, fresh: false },
    { type: "disconnected", ...client, code: "", lasted: 5 },
    { type: "disconnected", ...client, code: "slow", lasted: 5 },
    { type: "refused", code: "forbidden", ...client, target: "t" },
    { type: "limited", limit: "maxQueued", clientId: "c", target: "t" },
    { type: "paused", code: "busy", clientId: "c", target: "t" },
    { type: "slow", clientId: "c", waiting: 9 },
    { type: "caught-up", clientId: "c", after: 9 },
    { type: "created", target: "t", slice: "t" },
    { type: "error", error: new Error("x") },
  ];
  const { of } = await told(...events, ...events);
  expect([of("connected_total"), of("identities_total")]).toEqual([
    ["calla_connected_total 4"],
    ["calla_identities_total 2"],
  ]);
  expect(of("disconnected_total")).toEqual([
    'calla_disconnected_total{code=""} 2',
    'calla_disconnected_total{code="slow"} 2',
  ]);
  expect([of("refused_total"), of("limited_total"), of("paused_total")]).toEqual([
    ['calla_refused_total{code="forbidden"} 2'],
    ['calla_limited_total{limit="maxQueued"} 2'],
    ['calla_paused_total{code="busy"} 2'],
  ]);
  expect([of("slow_total"), of("created_total"), of("errors_total")]).toEqual([
    ["calla_slow_total 2"],
    ['calla_created_total{slice="t"} 2'],
    ["calla_errors_total 2"],
  ]);
});

test("[OV5] appends: seconds, records, conflicts; an unknown outcome is counted apart", async () => {
  const { of } = await told(appended, { ...appended, took: 3_000, failed: true, records: 0, conflicts: 0 });
  expect([of("records_total"), of("append_conflicts_total"), of("append_failures_total")]).toEqual([
    ["calla_records_total 3"],
    ["calla_append_conflicts_total 1"],
    ["calla_append_failures_total 1"],
  ]);
  expect(of("append_seconds_count")).toEqual(["calla_append_seconds_count 2"]);
  expect(of("append_seconds_sum")).toEqual(["calla_append_seconds_sum 3.004"]);
  const buckets = of("append_seconds_bucket").map((line) => /le="([^"]+)"/.exec(line)![1]);
  const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
  expect(buckets).toEqual([...seconds.map(String), "+Inf"]);
  expect(of('append_seconds_bucket{le="0.0025"}')[0]).toMatch(/ 0$/);
  expect(of('append_seconds_bucket{le="0.005"}')[0]).toMatch(/ 1$/);
  expect(of('append_seconds_bucket{le="5"}')[0]).toMatch(/ 2$/);
});

test("[OV5] catching up by way and reason, with its bytes; what has expired by its kind", async () => {
  const resync = {
    type: "resync",
    target: "t",
    clientId: "c",
    resync: "records",
    reason: "missed",
    bytes: 100,
  } as const;
  const { of } = await told(
    resync,
    { ...resync, resync: "snapshot", reason: "diverged", bytes: 1_000 },
    resync,
    { type: "expired", sessions: 1, topics: 2, tombstones: 0, rows: 3 },
    { type: "expired", sessions: 1, topics: 0, tombstones: 4, rows: 0 },
  );
  expect(of("resyncs_total")).toEqual([
    'calla_resyncs_total{resync="records",reason="missed"} 2',
    'calla_resyncs_total{resync="snapshot",reason="diverged"} 1',
  ]);
  expect(of("resync_bytes_total")).toEqual(["calla_resync_bytes_total 1200"]);
  expect(of("expired_total")).toEqual([
    'calla_expired_total{kind="sessions"} 2',
    'calla_expired_total{kind="topics"} 2',
    'calla_expired_total{kind="tombstones"} 4',
    'calla_expired_total{kind="rows"} 3',
  ]);
});

test("[OV5] the app's own codes are no closed list: after a hundred they are all one, and those known go on", async () => {
  const codes = Array.from({ length: 500 }, (_, i) => `app-${i}`);
  const refused = (code: string): ServerEvent => ({ type: "refused", code, ...client, target: "list:1" });
  const { of } = await told(
    ...[...codes, "app-0", "app-99", "app-100"].map(refused),
    { type: "disconnected", ...client, code: "app:late", lasted: 1 },
    { type: "disconnected", ...client, code: "app:app-0" as never, lasted: 1 },
  );
  const lines = of("refused_total");
  expect(lines).toHaveLength(101);
  for (const line of ['{code="app-0"} 2', '{code="app-99"} 2', '{code="app-1"} 1', '{code="other"} 401'])
    expect(lines).toContain(`calla_refused_total${line}`);
  expect(of("disconnected_total")).toEqual(['calla_disconnected_total{code="other"} 2']);
});

test("[OV4] [OV5] what is read from the server is read each time metrics are collected, without its topics", async () => {
  const metrics = prometheus({ registry: new Registry(), prefix: "app_" });
  const asked: unknown[] = [];
  let now = inspection();
  let bytes: () => Promise<number | undefined> = async () => 4_096;
  metrics.watch({
    inspect(options) {
      asked.push(options);
      return now;
    },
    logBytes: () => bytes(),
  });
  const gauges = async (): Promise<object> =>
    Object.fromEntries(
      (await metrics.registry.metrics())
        .split("\n")
        .filter((line) => /^app_(?!.*(?:_total|_seconds))/.test(line))
        .map((line) => line.split(" ") as [string, string]),
    );
  expect(await gauges()).toEqual({
    app_connections: "9",
    app_connections_pending: "4",
    app_connections_slow: "2",
    app_unwritten_bytes: "1024",
    app_targets_open: "7",
    app_targets_subscribed: "5",
    app_messages_queued: "3",
    app_log_bytes: "4096",
    app_ready: "1",
  });
  expect(asked).toEqual(Array.from({ length: 8 }, () => ({ topics: 0 })));
  now = inspection({ ready: false, targets: { open: 8, subscribed: 5, queued: 0 } });
  bytes = () => Promise.reject(new Error("locked"));
  expect(await gauges()).toMatchObject({
    app_ready: "0",
    app_targets_open: "8",
    app_messages_queued: "0",
    app_log_bytes: expect.stringMatching(/^nan$/i) as string,
  });
  bytes = async () => undefined;
  expect(await gauges()).toMatchObject({ app_log_bytes: expect.stringMatching(/^nan$/i) as string });
});

test("[OV5] metrics are prom-client's own unless they are given a registry; two of one name do not fit in one", () => {
  const { registry, observe } = prometheus();
  expect(registry).toBe(register);
  expect(observe({ type: "caught-up", clientId: "c", after: 1 })).toBeUndefined();
  expect(register.getSingleMetric("calla_connected_total")).toBeDefined();
  expect(() => prometheus()).toThrow(/already been registered/);
  expect(() => prometheus({ prefix: "second_" })).not.toThrow();
});

test("[OV5] [SU9] counts restarts by supervisor and child, and supervisors that have given up", async () => {
  const restarted = {
    type: "restarted",
    supervisor: "calla",
    child: "pubsub",
    restarts: 1,
    took: 5,
  } as const;
  const { of } = await told(
    restarted,
    restarted,
    { ...restarted, child: "presence" },
    { type: "gave-up", supervisor: "calla", child: "pubsub" },
  );
  expect(of("restarts_total")).toEqual([
    'calla_restarts_total{supervisor="calla",child="pubsub"} 2',
    'calla_restarts_total{supervisor="calla",child="presence"} 1',
  ]);
  expect(of("gave_up_total")).toEqual(['calla_gave_up_total{supervisor="calla"} 1']);
});
