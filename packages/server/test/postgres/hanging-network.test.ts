// What becomes of calls and of lines where the network hangs: nothing is refused and nothing is closed, nothing comes.
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { PostgresDriver } from "../../src/postgres/driver/driver.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresJsDriver } from "../../src/postgres/driver/postgres-js-driver.ts";
import { postgresLog } from "../../src/postgres/log/create.ts";
import { postgresPubSub } from "../../src/postgres/pubsub/postgres-pubsub.ts";
import { appendOf, at, fill } from "../../src/testing/log-contract/kit.ts";
import { hasServer, ownDatabase } from "./engines.ts";
import { hangingWay } from "./hanging-way.ts";

/** Milliseconds: enough for a call on a busy machine, and how much longer its end may take there. */
const DEADLINE = 1_500;
const SLACK = 5_000;
const until = { timeout: 20_000, interval: 20 };

const DRIVERS = {
  pg: (url: string) => pgDriver({ url, connections: 2, connectTimeout: 1_000 }),
  postgres: (url: string) => postgresJsDriver({ url, connections: 2, connectTimeout: 1_000 }),
} satisfies Record<string, (url: string) => PostgresDriver>;

describe.skipIf(!hasServer).each(Object.entries(DRIVERS))("a network that hangs, by %s", (name, make) => {
  const url = ownDatabase();
  async function begin() {
    const way = await hangingWay(url());
    const driver = make(way.url);
    onTestFinished(async () => {
      way.clear();
      way.close();
      await driver.close?.();
    });
    return { way, driver };
  }
  /** What it rejects with, and that it is not waited for longer than the deadline. */
  const code = async (run: Promise<unknown>): Promise<unknown> => {
    const begun = performance.now();
    const error = await run.then(
      () => "fine",
      (thrown: { details?: { code?: string } }) => thrown.details?.code ?? thrown,
    );
    expect(performance.now() - begun).toBeLessThan(DEADLINE + SLACK);
    return error;
  };

  test("[PG5] calls of the log end by their deadline, again and again, and go on once it is over; nothing is doubled", async () => {
    const { way, driver } = await begin();
    const log = postgresLog({ driver, schema: `hung ${name}`, deadline: DEADLINE, onError: () => undefined });
    await vi.waitFor(() => log.opened(), until);
    let done = 0;
    for (let outage = 0; outage < 2; outage++) {
      await fill(log, "t", done++, 1);
      way.block();
      way.hang();
      // A connection that is not let in ends by its own time.
      expect(await code(log.append([appendOf("t", done, 1)]))).not.toBe("fine");
      expect(await code(log.read("t", at(done), 9))).not.toBe("fine");
      way.clear();
      await vi.waitFor(
        async () => expect(await log.read("t", at(done), 9)).toMatchObject({ records: [] }),
        until,
      );
    }
    await fill(log, "t", done++, 1);
    // What was done, and not answered, is there once; who does it again is told so.
    way.hang("answers");
    expect(await code(log.append([appendOf("t", done, 1)]))).toBe("deadline");
    await vi.waitFor(async () => expect((await log.open("t"))?.sequence).toBe(done + 1), until);
    expect(await log.append([appendOf("t", done, 1)])).toMatchObject([
      { status: "conflict", missed: { status: "records", records: [{ sequence: done + 1 }] } },
    ]);
  }, 60_000);

  test("[PG16] a line that has hung is made again, a second time too, with a gap for each", async () => {
    const { way, driver } = await begin();
    const near = make(url());
    const errors: unknown[] = [];
    const settings = { channel: `hung ${name}`, heartbeat: 150, deadline: DEADLINE };
    const far = postgresPubSub(near, { ...settings, onError: () => undefined });
    const pubsub = postgresPubSub(driver, { ...settings, onError: (error) => void errors.push(error) });
    onTestFinished(async () => {
      await Promise.all([pubsub.close(), far.close()]);
      await near.close?.();
    });
    const heard: unknown[] = [];
    let gaps = 0;
    pubsub.onGap(() => void gaps++);
    pubsub.subscribe("t", (said) => heard.push(said));
    await Promise.all([pubsub.ready(), far.ready()]);
    /** Says it until it is heard: what is said while there is no line is lost, and the gap was told. */
    const hears = (by: typeof far, what: string) =>
      vi.waitFor(() => {
        by.publish("t", what);
        expect(heard).toContain(what);
      }, until);
    for (let outage = 1; outage <= 2; outage++) {
      await hears(far, `before ${outage}`);
      const before = gaps;
      way.hang();
      far.publish("t", "into the void");
      await vi.waitFor(() => expect(gaps).toBeGreaterThan(before), until);
      await hears(far, `behind ${outage}`);
      await hears(pubsub, `own ${outage}`);
    }
    expect(heard).not.toContain("into the void");
    const codes = errors.map((error) => (error as { details: { code: string } }).details.code);
    expect(codes).toContain("silent");
    // Once for each outage of the line, and of what is said.
    expect(codes.length).toBeLessThan(12);
  }, 60_000);

  test.each(["", "listen"])(
    "[PG15] lines that hang at %o do not pile up, and one stands once it is over",
    async (at) => {
      const { way, driver } = await begin();
      const pubsub = postgresPubSub(driver, {
        channel: `hung ${name}`,
        heartbeat: 600, // a busy machine needs its time for what is no outage
        deadline: 300,
        onError: () => undefined,
      });
      onTestFinished(() => pubsub.close());
      await pubsub.ready();
      way.block(at);
      way.hang();
      let most = 0;
      for (const end = performance.now() + 2_000; performance.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        most = Math.max(most, way.open());
      }
      expect(most).toBeLessThan(12);
      way.clear();
      const heard: unknown[] = [];
      pubsub.subscribe("t", (said) => heard.push(said));
      await vi.waitFor(() => {
        pubsub.publish("t", "again");
        expect(heard).toContain("again");
      }, until);
      await vi.waitFor(() => expect(way.open()).toBeLessThanOrEqual(4), until);
    },
    60_000,
  );
});
