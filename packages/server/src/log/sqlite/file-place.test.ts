// A database whose file is taken away, replaced or cut while a server uses it, and one that cannot be written to when it is
// opened. Real files.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallaError } from "@calla/shared";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { list, say, subscribe, types, wire } from "../../../test/wired.ts";
import { appendOf, ORIGIN, recordsAfter } from "../../testing/log-contract/kit.ts";
import { placeOf } from "./file-place.ts";
import type { SqliteLog, SqliteOptions } from "./options.ts";
import { sqlite } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-place-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
/** A folder of its own for each database, with what stands beside it. */
const fresh = (): string => {
  const own = join(folder, `${++count}`);
  mkdirSync(own);
  return join(own, "calla.db");
};
const open: SqliteLog[] = [];
const opened = (file: string, options: SqliteOptions = {}): SqliteLog => {
  const log = sqlite(file, options);
  open.push(log);
  return log;
};
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((log) => log.close()));
});
const problem = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call;
    return "none";
  } catch (error) {
    return ((error as CallaError).details as { code: string }).code;
  }
};
const fill = async (log: SqliteLog, from: number, records: number): Promise<void> => {
  const [result] = await log.append([appendOf("t", from, records)]);
  expect(result?.status).toBe("appended");
};
const beside = ["", "-wal", "-shm"];
const move = (from: string, to: string): void => {
  for (const end of beside) if (existsSync(from + end)) renameSync(from + end, to + end);
};

/** A second passes for what looks each second. */
const aSecondLater = (): void => {
  const now = performance.now.bind(performance);
  let ahead = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + ahead);
  ahead = 1_500;
};

for (const thread of ["main", "worker", "auto"] as const) {
  describe(`[SQ12] a file that goes away under a running server (${thread})`, () => {
    test("deleted: nothing is acknowledged into nowhere, and no other is made; once it is back, all is as it was", async () => {
      const file = fresh();
      const log = opened(file, { thread });
      await fill(log, 0, 2);
      for (const sequence of [2, 3]) {
        move(file, `${file}.away`);
        expect(await problem(log.append([appendOf("t", sequence, 1)]))).toBe("gone");
        expect(await problem(log.append([appendOf("t", sequence, 1)]))).toBe("gone");
        expect(await problem(log.open("t"))).toBe("gone");
        expect(readdirSync(join(file, "..")).includes("calla.db")).toBe(false);
        for (const end of beside)
          if (existsSync(`${file}.away${end}`)) renameSync(`${file}.away${end}`, file + end);
        // What was written while it was away is in the file that came back: nobody was told that it is not.
        const head = (await log.open("t"))!.sequence;
        expect([sequence, sequence + 1]).toContain(head);
        if (head === sequence) await fill(log, sequence, 1);
      }
    });

    test("[SQ14] replaced by a backup: what stands there is opened, and whoever asked is told", async () => {
      const file = fresh();
      const log = opened(file, { thread });
      await fill(log, 0, 2);
      await log.close();
      cpSync(file, `${file}.backup`);
      const live = opened(file, { thread });
      const replaced = vi.fn();
      const undo = live.onReplaced!(replaced);
      for (const times of [1, 2]) {
        await fill(live, 2, 3);
        cpSync(`${file}.backup`, `${file}.new`);
        for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
        renameSync(`${file}.new`, file);
        expect(await problem(live.append([appendOf("t", 5, 1)]))).toMatch(/gone|replaced/);
        expect((await live.open("t"))?.sequence).toBe(2);
        await live.open("t");
        expect(replaced).toHaveBeenCalledTimes(times);
        expect(await live.append([appendOf("t", 5, 1)])).toMatchObject([{ status: "conflict" }]);
      }
      undo();
    });

    test("a write-ahead log that was deleted: what is in it is kept", async () => {
      const file = fresh();
      const log = opened(file, { thread });
      await fill(log, 0, 3);
      rmSync(`${file}-wal`);
      expect(await problem(log.append([appendOf("t", 3, 1)]))).toBe("gone");
      const { sequence } = (await log.open("t"))!;
      expect([3, 4]).toContain(sequence);
      expect(await log.read("t", ORIGIN, 9)).toEqual({
        status: "records",
        records: recordsAfter(0, sequence),
      });
      await fill(log, sequence, 1);
      await log.close();
      expect((await opened(file).open("t"))?.sequence).toBe(sequence + 1);
    });

    test("reads find it out too, within a second", async () => {
      const file = fresh();
      const log = opened(file, { thread });
      await fill(log, 0, 1);
      move(file, `${file}.away`);
      aSecondLater();
      expect(await problem(log.read("t", ORIGIN, 9))).toBe("gone");
      for (const end of beside)
        if (existsSync(`${file}.away${end}`)) renameSync(`${file}.away${end}`, file + end);
      expect(await log.read("t", ORIGIN, 9)).toEqual({ status: "records", records: recordsAfter(0, 1) });
    });

    test("process-crash: looked at each second, and not with each commit", async () => {
      const file = fresh();
      const log = opened(file, {
        thread: thread === "worker" ? "main" : thread,
        durability: "process-crash",
      });
      await fill(log, 0, 1);
      move(file, `${file}.away`);
      aSecondLater();
      // Either the read or the write looks first.
      expect(await problem(log.open("t"))).toBe("gone");
      expect(await problem(log.append([appendOf("t", 1, 1)]))).toBe("gone");
    });
  });
}

describe("[SQ12] a server over a file that goes away", () => {
  const added = (item: string) => ({ type: "added", item }) as const;
  test("[TE11] [SQ14] what was folded and is not in the file that stands there now is replaced by other-history, idle targets too", async () => {
    const file = fresh();
    const first = opened(file, { shared: false, thread: "main" });
    const before = wire({ log: first });
    await before.done(before.server.topic(list, "1").dispatch(added("kept")));
    await before.done(before.server.topic(list, "2").dispatch(added("kept")));
    await before.done(before.server.stop());
    cpSync(file, `${file}.backup`);
    const log = opened(file, { shared: false, thread: "main" });
    const it = wire({ log });
    it.server.handle(list, { public: true });
    for (const times of [1, 2]) {
      const ada = await it.client();
      ada.say(subscribe("list:1", times), subscribe("list:2", times));
      await it.advance(1_000);
      await ada.heard();
      ada.say(say("list:1", 1, added("lost")), say("list:2", 1, added("lost")));
      expect(types(await ada.heard())).toEqual(["TopicUpdate", "TopicUpdate"]);
      cpSync(`${file}.backup`, `${file}.new`);
      for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
      renameSync(`${file}.new`, file);
      ada.say(say("list:1", 2, added("after")));
      for (let i = 0; i < 10; i++) await it.advance(200);
      const said = await ada.heard();
      const told = said.filter((frame) => frame.type === "Settled");
      expect(told.map(({ target, reason }) => [target, reason])).toEqual(
        expect.arrayContaining([
          ["list:1", "other-history"],
          ["list:2", "other-history"],
        ]),
      );
      const models = said.flatMap((frame) => (frame.type === "Snapshot" ? [frame.model] : []));
      expect(models).toContainEqual({ items: ["kept"] });
    }
    const sentence = it.errors.map(String).find((error) => /gone|replaced/.test(error));
    expect(sentence).toMatch(/calla\.db/);
  });
});

describe("[SQ16] another log's file", () => {
  const put = (from: string, file: string): void => {
    cpSync(from, `${file}.new`);
    for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
    renameSync(`${file}.new`, file);
  };

  test("in place of the one in use is refused, however often; the right one's backup is taken", async () => {
    const [file, other, backup] = [fresh(), fresh(), fresh()];
    for (const [name, records] of [
      [file, 2],
      [other, 5],
    ] as const) {
      const log = opened(name, { thread: "main" });
      await fill(log, 0, records);
      await log.close();
    }
    cpSync(file, backup);
    const log = opened(file, { thread: "main" });
    const identity = await log.identity!();
    await fill(log, 2, 1);
    put(other, file);
    expect(await problem(log.append([appendOf("t", 3, 1)]))).toBe("replaced");
    for (const call of [() => log.open("t"), () => log.append([appendOf("u", 0, 1)]), () => log.identity!()])
      expect(await problem(call())).toBe("other");
    await expect(log.open("t")).rejects.toThrow(/it is the log \w{32}, and not \w{32}.*restart the server/);
    put(backup, file);
    expect((await log.open("t"))?.sequence).toBe(2);
    expect(await log.identity!()).toBe(identity);
    await fill(log, 2, 1);
  });

  test("is refused from the beginning where the log's name was given; without a file none is made", async () => {
    const [file, none] = [fresh(), fresh()];
    const log = opened(file, { thread: "main" });
    const identity = await log.identity!();
    await log.close();
    expect(await problem(opened(file, { thread: "main", identity }).opened())).toBe("none");
    expect(await problem(opened(file, { thread: "main", identity: "0".repeat(32) }).opened())).toBe("other");
    expect(await problem(opened(none, { thread: "main", identity }).opened())).toBe("cannot-open");
    expect(existsSync(none)).toBe(false);
  });
});

describe("[SQ13] a file that cannot be written to when it is opened", () => {
  const asRoot = process.platform === "linux" && process.getuid?.() === 0;
  /** Root may write to anything but a file system that is mounted to be read. */
  const mounted = (run: (at: string, remount: (how: "ro" | "rw") => void) => Promise<void>) => async () => {
    const at = mkdtempSync(join(folder, "mount-"));
    const mount = (...options: string[]): void => void execFileSync("mount", options, { stdio: "pipe" });
    try {
      mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", at);
    } catch {
      return; // A container without the right to mount: there the test by permissions is the one.
    }
    try {
      await run(at, (how) => mount("-o", `remount,${how}`, at));
    } finally {
      execFileSync("umount", ["-l", at]);
    }
  };

  for (const thread of ["main", "worker", "auto"] as const)
    test.skipIf(!asRoot)(
      // reason: only root may mount
      `a killed server's on a read-only file system is refused with the cure, and written to once it can be (${thread})`,
      mounted(async (at, remount) => {
        const file = fresh();
        const killed = opened(file, { thread: "main" });
        await fill(killed, 0, 1);
        for (const end of beside) cpSync(file + end, join(at, `calla.db${end}`)); // as a kill leaves them
        for (let times = 1; times <= 2; times++) {
          remount("ro");
          const log = opened(join(at, "calla.db"), { thread });
          // What was closed well has nothing beside it, and cannot even be read where nothing can be made.
          expect(await problem(log.opened())).toBe(times === 1 ? "read-only" : "cannot-open");
          await expect(log.append([appendOf("t", times, 1)])).rejects.toThrow(/writable|right to write/);
          remount("rw");
          await fill(log, times, 1);
          await log.close();
        }
      }),
    );

  test.skipIf(asRoot || process.platform === "win32")(
    // reason: root may write to any file
    "by permissions: it is refused with the cure, and written to once it can be",
    async () => {
      const file = fresh();
      const before = opened(file, { thread: "main" });
      await fill(before, 0, 1);
      await before.close();
      chmodSync(file, 0o444);
      const log = opened(file);
      expect(await problem(log.opened())).toBe("read-only");
      chmodSync(file, 0o644);
      await fill(log, 1, 1);
    },
  );
});

describe("[SQ12] a place", () => {
  test("is what a name stands for: another file there, none, and one that was cut are told apart from one that grew", () => {
    const file = fresh();
    const files: Record<string, { dev: bigint; ino: bigint; size: bigint } | undefined> = {};
    const place = placeOf({ statSync: (name) => files[name] }, file);
    files[file] = { dev: 1n, ino: 1n, size: 10n };
    expect(place.settle()).toBeUndefined();
    expect(place.look()).toBeUndefined();
    files[file] = { dev: 1n, ino: 1n, size: 30n };
    expect(place.look()).toBeUndefined();
    files[file] = { dev: 1n, ino: 1n, size: 20n };
    expect(place.look()).toMatchObject({
      code: "CALLA_REPLACED",
      message: expect.stringContaining("smaller"),
    });
    files[file] = { dev: 2n, ino: 1n, size: 30n };
    expect(place.look()?.code).toBe("CALLA_REPLACED");
    files[file] = undefined;
    expect(place.look()?.code).toBe("CALLA_GONE");
    // What is there before it is opened must be what was opened.
    files[file] = { dev: 1n, ino: 7n, size: 1n };
    const late = placeOf({ statSync: (name) => files[name] }, file);
    files[file] = { dev: 1n, ino: 8n, size: 1n };
    expect(late.settle()?.code).toBe("CALLA_REPLACED");
    expect(placeOf({ statSync: () => expect.fail("it has no file") }, ":memory:").look()).toBeUndefined();
  });

  test("[SQ12] a file that is cut is looked through before anything else is written", async () => {
    const file = fresh();
    const log = opened(file, { thread: "main" });
    await log.append([{ ...appendOf("t", 0, 1), records: recordsAfter(0, 500) }]);
    await log.close();
    const again = opened(file, { thread: "main" });
    await fill(again, 500, 1);
    truncateSync(file, statSync(file).size - 8 * 4_096);
    expect(await problem(again.append([appendOf("t", 501, 1)]))).toMatch(/replaced|corrupt/);
    expect(await problem(again.append([appendOf("t", 501, 1)]))).toBe("corrupt");
  });
});
