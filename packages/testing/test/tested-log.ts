// Which log the scenarios and campaigns run over: memory, or with CALLA_LOG=sqlite a file that is written in this thread
// (virtual time does not wait for another one) and opened anew for the run's last look.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "@calla/server/sqlite";
import type { Serialiser } from "@calla/shared";
import { afterAll } from "vitest";
import type { TestedLog, TestedLogOptions } from "../src/index.ts";

export const testedLog: ((options: TestedLogOptions) => TestedLog) | undefined =
  process.env["CALLA_LOG"] === "sqlite" ? fileLogs() : undefined;

function fileLogs(): (options: TestedLogOptions) => TestedLog {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "calla-logs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  return (options) => {
    const file = join(folder, `${++files}.db`);
    const open = () =>
      sqlite(file, { ...options, thread: "main", check: "off", durability: "process-crash" });
    let log = open();
    let serialiser: Serialiser | undefined;
    const more: Partial<TestedLog> = {
      carryWith(given) {
        serialiser = given;
        log.carryWith!(given);
      },
      async reopen() {
        await log.close();
        log = open();
        if (serialiser !== undefined) log.carryWith!(serialiser);
      },
      async close() {
        await log.close();
        for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
      },
    };
    return new Proxy(log, {
      get(_, name) {
        const method: unknown = Reflect.get(Object.hasOwn(more, name) ? more : log, name);
        return typeof method === "function" ? (method.bind(log) as unknown) : method;
      },
    }) as TestedLog;
  };
}
