// Reads the log after each death, before anybody else does: what was there before must still be there, and what is new
// continues it. So the archive grows although the server forgets what it has compacted.
import { initialModel } from "@calla/shared";
import type { ModelSlice, TargetKey } from "@calla/shared";
import type { LogStorage } from "@calla/server";
import type { Archived, Place, Violation } from "../../src/index.ts";
import { modelAfter } from "../../src/archive.ts";

export class Witness {
  readonly archive = new Map<TargetKey, Archived>();
  readonly violations: Violation[] = [];

  /** Takes down what the log has more of a target than the last time. */
  async read(log: LogStorage, target: TargetKey, slice: ModelSlice): Promise<void> {
    const places = this.#places(target, slice);
    for (;;) {
      const { sequence, mark, model } = places.at(-1)!;
      const read = await log.read(target, { sequence, mark }, 500);
      if (read.status !== "records") {
        const what = `${target}: after a death the records behind ${sequence} are ${read.status}`;
        this.violations.push({ rule: "LG", what });
        return;
      }
      if (read.records.length === 0) return;
      for (const record of read.records) {
        const before = places.at(-1)?.model ?? model;
        places.push({
          sequence: record.sequence,
          mark: record.mark,
          record,
          model: modelAfter(slice, before, record),
        });
      }
    }
  }

  #places(target: TargetKey, slice: ModelSlice): Place[] {
    let found = this.archive.get(target);
    if (found === undefined) {
      const model = initialModel(slice, { strict: false });
      found = { slice, paths: [{ from: 0, places: [{ sequence: 0, mark: 0, record: undefined, model }] }] };
      this.archive.set(target, found);
    }
    return found.paths[0]!.places;
  }
}
