// The process under load: appends to many targets at once, saves, removes, brings back, closes and opens again, and writes
// down what it was told. Arguments: the database, where to write down, the durability (or "default", or "off", which nobody
// can ask for), milliseconds.
import { openSync, writeSync } from "node:fs";
import { laneByPace } from "../../src/log/sqlite/adaptive-writer.ts";
import { sqliteWith } from "../../src/log/sqlite/sqlite-with.ts";
import { appendTo, REMOVED_AT, revival, snapshotOf } from "./story.ts";
import type { Told } from "./story.ts";

const [file = "", diary = "", durability = "default", milliseconds = "500"] = process.argv.slice(2);
const notes = openSync(diary, "a");
const tell = (told: Told): void => void writeSync(notes, `${JSON.stringify(told)}\n`);

const open = () =>
  sqliteWith(
    file,
    { retention: 20, ...(durability === "process-crash" ? { durability } : {}) },
    durability === "off" ? ["synchronous = OFF"] : [],
    // Both threads write, in turn.
    (options) => laneByPace(options, { next: () => chance(0.8), heard() {} }),
  );
const end = performance.now() + Number(milliseconds);
let running = 0;
/** Chance that varies: which turns meet is the machine's affair anyway. */
const chance = (probability: number): boolean => Math.random() < probability;
let log = open();

/** One topic's life. */
async function live(target: string): Promise<void> {
  for (let sequence = 0; performance.now() < end;) {
    const count = chance(0.2) ? 12 : 1;
    await log.append([appendTo(target, sequence, count)]);
    sequence += count;
    tell({ told: "appended", target, sequence });
    if (chance(0.1)) {
      // An older one after a newer one changes nothing.
      await Promise.all([
        log.saveSnapshot(target, snapshotOf(sequence)),
        log.saveSnapshot(target, snapshotOf(Math.max(1, sequence - 1))),
      ]);
      tell({ told: "saved", target, sequence });
    }
  }
}

/** A topic that is removed and comes back, with a model that tells how often. */
async function come(target: string): Promise<void> {
  await log.append([appendTo(target, 0, 1)]);
  tell({ told: "appended", target, sequence: 1 });
  for (let sequence = 1; performance.now() < end; sequence++) {
    await log.remove(target, REMOVED_AT);
    tell({ told: "removed", target, sequence });
    await log.append([revival(target, sequence, 0, 0)]);
    tell({ told: "appended", target, sequence: sequence + 1 });
  }
}

while (performance.now() < end) {
  running++;
  const targets = Array.from({ length: 6 }, (_, i) => `t${running}-${i}`);
  const stop = new Promise((resolve) => setTimeout(resolve, Number(milliseconds) / 4));
  const work = Promise.all([...targets.map(live), come(`gone${running}`)]).then(
    () => false,
    () => true, // closed under its feet
  );
  await Promise.race([stop, work]);
  await log.close();
  await work;
  log = open();
}
await log.close();
