// Reads the log after each death, before anybody else does: what was there before must still be there, and what is new
// continues it. So the archive grows although the server forgets what it has compacted.
import type { TargetKey, Wiring } from "@calla/shared";
import type { LogStorage } from "@calla/server";
import type { Archived, Place, Quiet, Violation } from "../../src/index.ts";
import { persisted } from "../../src/simulation/quiet.ts";
import { originOf, placeAfter, slicesOf } from "../../src/history/versions.ts";

export class Witness {
  readonly archive = new Map<TargetKey, Archived>();
  readonly violations: Violation[] = [];
  readonly #wirings: readonly Wiring[];

  constructor(...wirings: readonly Wiring[]) {
    this.#wirings = wirings;
  }

  /** What a log has of these; opened for this, and closed behind it, as the next server must find it. */
  async testify(log: LogStorage, targets: Iterable<TargetKey>): Promise<Quiet["persisted"]> {
    try {
      const stored: Quiet["persisted"][number][] = [];
      for (const target of targets) {
        await this.#read(log, target);
        stored.push(await persisted(log, target, this.archive.get(target)!));
      }
      return stored;
    } finally {
      await log.close?.();
    }
  }

  /** Takes down what the log has more of a target than the last time. */
  async #read(log: LogStorage, target: TargetKey): Promise<void> {
    const { slices, paths } = this.#archived(target);
    const { places } = paths[0]!;
    for (;;) {
      const { sequence, mark } = places.at(-1)!;
      const read = await log.read(target, { sequence, mark }, 500);
      if (read.status !== "records") {
        const what = `${target}: after a death the records behind ${sequence} are ${read.status}`;
        this.violations.push({ rule: "LG", what });
        return;
      }
      if (read.records.length === 0) return;
      for (const record of read.records)
        places.push({ ...placeAfter(slices, target, places.at(-1)!, record), record });
    }
  }

  #archived(target: TargetKey): Archived {
    let found = this.archive.get(target);
    if (found === undefined) {
      const slices = slicesOf(this.#wirings, target);
      const origin: Place = { ...originOf(slices), record: undefined };
      found = { slices, paths: [{ from: 0, places: [origin] }] };
      this.archive.set(target, found);
    }
    return found;
  }
}
