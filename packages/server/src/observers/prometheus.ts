// Events and live counts as Prometheus metrics, by the prom-client package. Labels are names from closed lists: a code,
// a limit, a kind of resync; never a topic, a client or a user, of which there is no end.
import type * as Prometheus from "prom-client";
import type { Registry } from "prom-client";
import { peer } from "../base/peer.ts";
import type { Observe } from "../app/events.ts";
import type { Inspection } from "../inspect.ts";

/** Where `prometheus` puts its metrics, and what their names begin with. */
export interface PrometheusOptions {
  /** Default: prom-client's own. */
  readonly registry?: Registry;
  /** Default "calla_". */
  readonly prefix?: string;
}

/** One server's metrics: hand `observe` to the server, then the server to `watch`. */
export interface PrometheusMetrics {
  readonly registry: Registry;
  /** Give it to `createServer({ observe })`. */
  readonly observe: Observe;
  /** Adds what is read from the server when metrics are collected: connections, topics, queues, bytes in the log. */
  watch(server: {
    inspect(options?: { readonly topics?: number }): Inspection;
    logBytes?(): Promise<number | undefined>;
  }): void;
}

const LIBRARY = { name: "prom-client", version: 15, neededBy: "@calla/server/prometheus" } as const;

/** Seconds: a memory log's, a disk's, a database's, trouble. */
const APPEND_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Codes of an app's own are no closed list. */
const MOST_CODES = 100;

/**
 * Metrics of one server.
 *
 * @throws CallaError `wiring`: prom-client is not installed.
 * @example
 * const metrics = prometheus();
 * const server = createServer({ wiring, serialiser, observe: metrics.observe });
 * metrics.watch(server);
 * // GET /metrics: await metrics.registry.metrics()
 */
export function prometheus({
  registry: given,
  prefix = "calla_",
}: PrometheusOptions = {}): PrometheusMetrics {
  const { Counter, Gauge, Histogram, register } = peer<typeof Prometheus>(LIBRARY);
  const registry = given ?? register;
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `${prefix}${name}_total`, help, labelNames, registers });
  const connected = counter("connected", "Clients that said Hello and were let in");
  const identities = counter("identities", "Clients that were given a new identity");
  const created = counter("created", "Topics and sessions that got their first record", "slice");
  const expired = counter("expired", "What went because it was too old", "kind");
  const disconnected = counter("disconnected", "Clients that left, by why the server ended them", "code");
  const refused = counter("refused", "What was refused for good", "code");
  const limited = counter("limited", "Limits that were met", "limit");
  const paused = counter("paused", "Messages that clients were told to send again later", "code");
  const slow = counter("slow", "Connections that became slow consumers");
  const resyncs = counter("resyncs", "Subscribers that caught up", "resync", "reason");
  const resyncBytes = counter("resync_bytes", "Bytes sent to subscribers to catch up");
  const records = counter("records", "Records appended");
  const conflicts = counter("append_conflicts", "Appends that another node was ahead of");
  const failures = counter("append_failures", "Appends whose outcome was unknown");
  const errors = counter("errors", "What the app's code or a storage threw");
  const sockets = counter("sockets", "Connections of channels that were let in", "transport");
  const socketsGone = counter("sockets_disconnected", "Connections of channels that have ended");
  const joins = counter("channel_joins", "Channels that clients have joined");
  const leaves = counter("channel_leaves", "Channels that clients have left, by why", "why");
  const channelRefusals = counter("channel_refused", "What channels refused", "code");
  const restarts = counter("restarts", "Children that supervisors have started again", "supervisor", "child");
  const givenUp = counter("gave_up", "Supervisors that have given up", "supervisor");
  const appends = new Histogram({
    name: `${prefix}append_seconds`,
    help: "How long the log took for one append",
    buckets: APPEND_BUCKETS,
    registers,
  });
  const codes = new Set<string>();
  /** A code as a label; once there are too many, "other". */
  const label = (code: string): string => {
    if (codes.size >= MOST_CODES && !codes.has(code)) return "other";
    codes.add(code);
    return code;
  };
  return {
    registry,
    observe(event) {
      switch (event.type) {
        case "connected":
          if (event.fresh) identities.inc();
          return connected.inc();
        case "created":
          return created.inc({ slice: event.slice });
        case "expired":
          for (const kind of ["sessions", "topics", "tombstones", "rows"] as const)
            expired.inc({ kind }, event[kind]);
          return undefined;
        case "disconnected":
          return disconnected.inc({ code: label(event.code) });
        case "refused":
          return refused.inc({ code: label(event.code) });
        case "limited":
          return limited.inc({ limit: event.limit });
        case "paused":
          return paused.inc({ code: event.code });
        case "slow":
          return slow.inc();
        case "caught-up":
          return;
        case "resync":
          resyncBytes.inc(event.bytes);
          return resyncs.inc({ resync: event.resync, reason: event.reason });
        case "appended":
          appends.observe(event.took / 1_000);
          records.inc(event.records);
          conflicts.inc(event.conflicts);
          return event.failed ? failures.inc() : undefined;
        case "error":
          return errors.inc();
        case "socket-connected":
          return sockets.inc({ transport: event.transport });
        case "socket-disconnected":
          return socketsGone.inc();
        case "channel-joined":
          return joins.inc();
        case "channel-left":
          return leaves.inc({ why: event.why });
        case "channel-refused":
          return channelRefusals.inc({ code: label(event.code) });
        case "restarted":
          return restarts.inc({ supervisor: event.supervisor, child: event.child });
        case "gave-up":
          return givenUp.inc({ supervisor: event.supervisor });
        default:
          event satisfies never;
      }
    },
    watch(server) {
      const gauge = (name: string, help: string, read: (now: Inspection) => number): void => {
        // oxlint-disable-next-line no-new -- reason: it registers itself
        new Gauge({
          name: `${prefix}${name}`,
          help,
          registers,
          collect() {
            this.set(read(server.inspect({ topics: 0 })));
          },
        });
      };
      gauge("connections", "Live connections", (now) => now.connections.all);
      gauge(
        "connections_pending",
        "Connections without an answer to Hello",
        (now) => now.connections.pending,
      );
      gauge("connections_slow", "Slow consumers now", (now) => now.connections.slow);
      gauge("unwritten_bytes", "Bytes waiting to be written", (now) => now.connections.unwritten);
      gauge("targets_open", "Topics and sessions in memory", (now) => now.targets.open);
      gauge("targets_subscribed", "Topics and sessions with subscribers", (now) => now.targets.subscribed);
      gauge("messages_queued", "Messages waiting for an append or under way", (now) => now.targets.queued);
      // oxlint-disable-next-line no-new -- reason: it registers itself
      new Gauge({
        name: `${prefix}log_bytes`,
        help: "Bytes that the log stores",
        registers,
        async collect() {
          // No number: it is a memory log, or cannot be read now, which other metrics tell.
          this.set((await server.logBytes?.().catch(() => undefined)) ?? Number.NaN);
        },
      });
      gauge("ready", "Whether connections are taken", (now) => (now.ready ? 1 : 0));
    },
  };
}
