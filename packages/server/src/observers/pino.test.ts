import { expect, test } from "vitest";
import { pinoObserver } from "./pino.ts";

test("[OV5] every event has a level and its fields in a pino-like log", () => {
  const lines: [string, object, string][] = [];
  const write = (level: string) => (fields: object, text: string) => void lines.push([level, fields, text]);
  const observe = pinoObserver({
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  });
  const error = new Error("database");
  observe({ type: "connected", clientId: "c", userId: "anna", fresh: true });
  observe({ type: "error", error });
  const appended = { targets: 1, records: 1, conflicts: 0, queued: 0, took: 1 };
  observe({ type: "appended", ...appended, failed: false });
  observe({ type: "appended", ...appended, failed: true });
  expect(lines).toEqual([
    ["info", { clientId: "c", userId: "anna", fresh: true }, "calla: connected"],
    ["error", { err: error }, "calla: error"],
    ["debug", { ...appended, failed: false }, "calla: appended"],
    ["warn", { ...appended, failed: true }, "calla: appended"],
  ]);
});

test("[OV5] refusals, limits and slow consumers are warnings, comings and goings info, what each message causes debug", () => {
  const levels: string[] = [];
  const write = (level: string) => (_: object, text: string) =>
    void levels.push(`${text.slice(7)}: ${level}`);
  const observe = pinoObserver({
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  });
  const client = { clientId: "c", userId: null } as const;
  observe({ type: "disconnected", ...client, code: "", lasted: 1 });
  observe({ type: "refused", code: "forbidden", ...client, target: undefined });
  observe({ type: "limited", limit: "maxQueued", clientId: "c", target: undefined });
  observe({ type: "paused", code: "busy", clientId: "c", target: "t" });
  observe({ type: "slow", clientId: "c", waiting: 1 });
  observe({ type: "caught-up", clientId: "c", after: 1 });
  observe({ type: "created", target: "t", slice: "t" });
  observe({ type: "expired", sessions: 1, topics: 0, tombstones: 0, rows: 0 });
  observe({ type: "resync", target: "t", clientId: "c", resync: "records", reason: "missed", bytes: 1 });
  observe({ type: "restarted", supervisor: "calla", child: "pubsub", restarts: 1, took: 5 });
  observe({ type: "gave-up", supervisor: "calla", child: "pubsub" });
  expect(levels).toEqual([
    "disconnected: info",
    "refused: warn",
    "limited: warn",
    "paused: debug",
    "slow: warn",
    "caught-up: info",
    "created: debug",
    "expired: info",
    "resync: debug",
    "restarted: warn",
    "gave-up: error",
  ]);
});
