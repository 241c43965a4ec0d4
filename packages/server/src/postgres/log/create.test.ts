// A log over a driver that answers by hand: what it asks, and what it makes of failures.
import type { CallaError } from "@calla/shared";
import { describe, expect, test, vi } from "vitest";
import { appendOf, REMOVED_AT } from "../../testing/log-contract/kit.ts";
import type { PostgresDriver, PostgresRow } from "../driver/driver.ts";
import { postgresLog } from "./create.ts";
import type { PostgresLogOptions } from "./options.ts";

type Answer = (values: readonly (string | null)[]) => PostgresRow[] | Promise<PostgresRow[]>;

const FIT = { encoding: "UTF8", fit: "t", version: "15", standby: "f", isolation: "read committed" };

/** Answers by what a statement names; the schema is found, and nothing is told of it unless that is answered too. */
function scripted(answers: Readonly<Record<string, Answer>>) {
  const asked: (readonly [call: string, values: readonly (string | null)[]])[] = [];
  const standard: Readonly<Record<string, Answer>> = {
    server_encoding: () => [{ ...FIT }],
    "settings t": () => [{ version: "1", identity: "i", life: "alive" }],
    rebase: () => [{ rebase: "f" }],
    synchronous_commit: () => [{ fsync: "on", pages: "on", commit: "on", names: "", standbys: "0" }],
    ".sweep(": () => [{ sweep: "f" }],
  };
  const driver: PostgresDriver = {
    name: "scripted",
    async query(text, values) {
      const all = { ...standard, ...answers };
      const call = Object.keys(all).find((part) => text.includes(part));
      if (call === undefined) throw new Error(`nobody answers ${text}`);
      asked.push([call, values]);
      return all[call]!(values);
    },
    listen: () => Promise.reject(new Error("not here")),
  };
  const log = (options: Partial<PostgresLogOptions> = {}) => postgresLog({ driver, ...options });
  return {
    log,
    driver,
    asked,
    of: (call: string) => asked.filter(([one]) => one === call).map(([, values]) => values),
  };
}
const coded = (code: string): Error => Object.assign(new Error(`it is ${code}`), { code });
const failing = (...codes: (string | undefined)[]): Answer => {
  let n = 0;
  return () => {
    const code = codes[n++];
    if (code !== undefined) throw coded(code);
    return [{ n: "0", status: "a" }];
  };
};

describe("[PL17] options", () => {
  test.each([
    [{ schema: "" }, "schema must be a name"],
    [{ schema: "é".repeat(32) }, "schema must be a name of at most 63 bytes"],
    [{ schema: "a$calla$" }, "without $ and NUL"],
    [{ schema: "a\ud800" }, "schema must be a name"],
    [{ schema: "pg_calla" }, "must not begin with pg_"],
    [{ deadline: 0 }, "deadline must be milliseconds"],
    [{ appending: 0 }, "appending must be a whole number"],
    [{ appending: 1.5 }, "appending must be a whole number"],
    [{ retention: -1 }, "postgresLog: retention must be"],
    [{ topics: { "room:*": { retention: Number.NaN } } }, 'topics["room:*"].retention must be'],
  ])("%o are refused", (options, sentence) => {
    expect(() => scripted({}).log(options)).toThrow(sentence);
  });

  test("[PL3] retention is a topic's own, in what a snapshot lets go", async () => {
    const { log, of } = scripted({ ".save(": () => [{ save: "f" }] });
    const made = log({
      retention: 5,
      topics: { "room:*": { retention: 2 }, session: { retention: Infinity } },
    });
    const place = { sequence: 10, mark: 1, version: 1, at: 1, model: 0 };
    for (const target of ["room:1", "other", "@s"]) await made.saveSnapshot(target, place);
    expect(of(".save(").map((values) => values.at(-1))).toEqual(["8", "5", "0"]);
  });
});

describe("a call that fails", () => {
  test("[PL5] for a reason of its own is unknown alone; otherwise it rejects, for nobody knows", async () => {
    const { log } = scripted({ ".append(": failing("22003") });
    expect(await log().append([appendOf("t", 0, 1)])).toMatchObject([{ status: "unknown" }]);
    const lost = scripted({ ".append(": failing("ECONNRESET") });
    await expect(lost.log().append([appendOf("t", 0, 1)])).rejects.toMatchObject({
      code: "storage",
      details: { code: "ECONNRESET" },
    });
    expect(lost.of(".append(")).toHaveLength(1);
  });

  test("[PL4] brings along what was missed, in all at most 1,024 records however many targets are late", async () => {
    const RECORD = { mark: "1", version: "1", at: "1", author: null, mid: "0", id: "i", messages: "[]" };
    const missed = (n: number, records: number): PostgresRow[] => [
      { n: `${n}`, status: "records" },
      ...Array.from({ length: records }, (_, i) => ({ n: `${n}`, sequence: `${i + 1}`, ...RECORD })),
    ];
    const { log, of } = scripted({
      ".append(": () => [{ n: "0", status: "c".repeat(256) }, ...missed(1, 4), ...missed(2, 5)],
    });
    const batch = Array.from({ length: 256 }, (_, i) => appendOf(`t${i}`, 0, 1));
    const [first, second] = await log().append(batch);
    expect(of(".append(").map((values) => values.at(-1))).toEqual(["5"]);
    expect(first).toMatchObject({ status: "conflict", missed: { records: { length: 4 } } });
    expect(second).toEqual({ status: "conflict" });
  });

  test("[PL5] because a client's row is another one is a conflict", async () => {
    const { log } = scripted({ ".append(": failing("CA001") });
    expect(await log().append([appendOf("t", 0, 1)])).toEqual([{ status: "conflict" }]);
  });

  test("[PL5] goes by itself for each of its targets, and one of those that is lost is unknown", async () => {
    const { log, of } = scripted({ ".append(": failing("CA001", undefined, "CA001", "ECONNRESET") });
    const batch = [appendOf("a", 0, 1), appendOf("b", 0, 1), appendOf("c", 0, 1)];
    const results = await log({ appending: 1 }).append(batch);
    expect(results.map(({ status }) => status)).toEqual(["appended", "conflict", "unknown"]);
    expect(of(".append(").map((values) => values[1])).toEqual(['{"a","b","c"}', '{"a"}', '{"b"}', '{"c"}']);
  });

  test("[PL12] since something else stands there is asked again once, of what is found then", async () => {
    const { log, of, asked } = scripted({ ".append(": failing("CA002") });
    expect(await log().append([appendOf("t", 0, 1)])).toMatchObject([{ status: "appended" }]);
    expect(of(".append(")).toHaveLength(2);
    expect(asked.filter(([call]) => call === "settings t")).toHaveLength(2);
    const never = scripted({ ".append(": failing("CA002", "CA002") });
    await expect(never.log().append([appendOf("t", 0, 1)])).rejects.toThrow();
  });

  test("[PL12] while the log is looked for keeps nobody from looking again", async () => {
    let down = true;
    const { log } = scripted({
      server_encoding: () => {
        if (down) throw coded("ECONNREFUSED");
        return [{ ...FIT }];
      },
      ".open(": () => [],
    });
    const made = log();
    await expect(made.open("t")).rejects.toThrow("Nothing listens there");
    down = false;
    expect(await made.open("t")).toBeUndefined();
  });
});

test("[PL19] what cannot hold a log is refused with what to do", async () => {
  const found = (row: Partial<typeof FIT>) =>
    scripted({ server_encoding: () => [{ ...FIT, ...row }] })
      .log()
      .opened();
  await expect(found({ encoding: "LATIN1" })).rejects.toThrow(
    "Nothing was written: create the database with ENCODING 'UTF8'.",
  );
  await expect(found({ fit: "f", version: "12.1" })).rejects.toThrow(
    "this is Postgres 12.1. Use Postgres 13 or later.",
  );
  await expect(found({ isolation: "serializable" })).rejects.toThrow(
    "transactions are serializable here. Nothing was written: set default_transaction_isolation = 'read committed'",
  );
  await expect(found({ standby: "t" })).rejects.toThrow("The url must lead to the primary.");
});

test("[PL18] a standby is refused once new connections have led to it too", async () => {
  let renewed = 0;
  const led = (primaryAfter: number) => {
    const made = scripted({
      server_encoding: () => [{ ...FIT, standby: renewed < primaryAfter ? "t" : "f" }],
      ".open(": () => [],
    });
    return postgresLog({ driver: { ...made.driver, renew: () => void renewed++ } });
  };
  expect(await led(1).open("t")).toBeUndefined();
  expect(renewed).toBe(1);
  const log = led(3);
  await expect(log.open("t")).rejects.toMatchObject({ details: { code: "standby" } });
  expect(await log.open("t")).toBeUndefined(); // it has been promoted
});

test("[PL13] what is weak is told once, also after the log was found again, and keeps nothing from working", async () => {
  const onError = vi.fn();
  const { log } = scripted({
    synchronous_commit: () => [{ fsync: "off", pages: "on", commit: "off", names: "", standbys: "1" }],
    ".open(": () => [],
    ".append(": failing("CA002"),
  });
  const made = log({ onError });
  await made.open("t");
  await made.append([appendOf("t", 0, 1)]);
  expect(onError.mock.calls.map(([error]) => (error as CallaError).message.split(":")[1]?.trim())).toEqual([
    "fsync is off",
    "synchronous_commit is off",
    "its standbys are asynchronous",
  ]);
});

test("[PL8] a removal that loses four times has others wait for the fifth", async () => {
  let tries = 0;
  const { log, of } = scripted({ ".remove(": () => [{ remove: ++tries < 5 ? "again" : "done" }] });
  expect(await log().remove("t", REMOVED_AT)).toBe(true);
  expect(of(".remove(").map((values) => values.at(-1))).toEqual(["false", "false", "false", "false", "true"]);
});

test("[PL17] a log that is closing answers what was asked of it, and nothing else", async () => {
  let answer: (() => void) | undefined;
  const { log } = scripted({ ".open(": () => new Promise((resolve) => (answer = () => resolve([]))) });
  const made = log();
  const asked = made.open("t");
  await vi.waitFor(() => expect(answer).toBeDefined());
  let closed = false;
  const closing = made.close().then(() => (closed = true));
  await expect(made.open("t")).rejects.toMatchObject({ code: "closed" });
  expect(closed).toBe(false);
  answer!();
  expect(await asked).toBeUndefined();
  await closing;
});
