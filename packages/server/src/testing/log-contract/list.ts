// What every log must do, continued: which targets there are, and removing those that nobody uses.
import type { ListedTarget } from "../../log/log.ts";
import { appendOf, check, equal, fill, REMOVED_AT, status, timeOf } from "./kit.ts";
import type { LogCheck } from "./kit.ts";

export const listContract: readonly LogCheck[] = [
  check("[LG55] what is listed is every target of a prefix, once, page by page", async ({ create }) => {
    const log = await create();
    const names = ["a:1", "a:2", "a:2:x", "a:\u{1f600}", "a:\uffee", 'a:"q"', "ab", "b:1", "@s", '"q":1'];
    for (const name of names) await fill(log, name, 0, 2);
    await log.remove("a:2", REMOVED_AT);
    const listed = async (prefix: string, limit: number) => {
      const found: ListedTarget[] = [];
      let next: string | undefined;
      do {
        const page = await log.list(prefix, next, limit);
        equal(page.targets.length <= limit, true, "a page's length");
        found.push(...page.targets);
        next = page.next;
      } while (next !== undefined);
      return found;
    };
    for (const limit of [1, 2, 3, 100])
      for (const prefix of ["", "a:", "a:2", "b", '"', "@", "c", "a:\u{1f600}"])
        equal(
          (await listed(prefix, limit)).map(({ target }) => target).toSorted(),
          names.filter((name) => name.startsWith(prefix)).toSorted(),
          `names that begin with ${prefix}, ${limit} at a time`,
        );
    const [removed] = await listed("a:2", 1);
    equal(
      removed,
      { target: "a:2", sequence: 2, at: timeOf(2), used: REMOVED_AT, removed: true },
      "a tombstone",
    );
    const [live] = await listed("b:1", 9);
    equal(live, { target: "b:1", sequence: 2, at: timeOf(2), used: timeOf(2), removed: false }, "a target");
    // What comes and goes between two pages is no trouble of the others.
    const first = await log.list("a", undefined, 2);
    await fill(log, "a:0", 0, 1);
    await log.expire({
      at: REMOVED_AT,
      sessions: 0,
      rows: 0,
      tombstones: REMOVED_AT + 1,
      consumers: 0,
      limit: 9,
    });
    const rest = await log.list("a", first.next, 100);
    const seen = [...first.targets, ...rest.targets].map(({ target }) => target);
    for (const name of names.filter((one) => one.startsWith("a") && one !== "a:2"))
      equal(seen.filter((one) => one === name).length, 1, name);
  }),
  check("[LG56] a target that is in use is not removed by who wants it unused", async ({ create }) => {
    const log = await create();
    for (const name of ["idle", "written", "touched"])
      equal(await status(log, appendOf(name, 0, 1, { at: 5_000 })), "appended", "append");
    equal(await status(log, appendOf("written", 1, 1, { at: 6_000 })), "appended", "append");
    await log.touch(["touched", "never"], 6_000);
    equal(await log.remove("idle", REMOVED_AT, 5_000), false, "not older");
    for (const name of ["written", "touched"]) {
      equal(await log.remove(name, REMOVED_AT, 6_000), false, name);
      equal((await log.open(name))?.removed, false, name);
    }
    equal(await log.remove("never", REMOVED_AT, REMOVED_AT), false, "what never was");
    equal(await log.remove("idle", REMOVED_AT, 5_001), true, "older");
    equal((await log.open("idle"))?.removed, true, "older");
    equal(await log.remove("idle", REMOVED_AT, Infinity), false, "again");
    await log.touch(["idle"], REMOVED_AT + 100);
    const { targets } = await log.list("idle", undefined, 9);
    equal(
      targets[0]?.used,
      REMOVED_AT,
      "a tombstone is as old as the removal, whoever still uses the target",
    );
    equal(await log.remove("written", REMOVED_AT), true, "whatever its use");
  }),
];
