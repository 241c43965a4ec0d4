// What really happened to every target: a log that also keeps, beside what it stores, each accepted record with the
// model after it, and the histories that a rewind has cut off. The checker's one source of truth; servers see a log.
import type { TargetKey, Wiring } from "@calla/shared";
import { rewindableLog } from "@calla/server/testing";
import type { RewindableLog } from "@calla/server/testing";
import type { Append, LogRecord, LogStorage } from "@calla/server";
import { originOf, placeAfter, slicesOf } from "./versions.ts";
import type { Slices, Versioned } from "./versions.ts";

/** A place in a history, and the model there. The first of a path is the origin, without a record. */
export interface Place extends Versioned {
  readonly record: LogRecord | undefined;
}

/** All that was appended to one target. */
export interface Archived {
  readonly slices: Slices;
  /** Paths from the origin, place by sequence. A rewind begins another one, which shares the places before `from`. */
  readonly paths: { readonly from: number; readonly places: Place[] }[];
  /** Where the head was when a message, by id, was refused. Absent: nobody saw the refusals being written. */
  readonly refusals?: Map<string, number>;
  /** Those whose refusal a rewind has cut off. */
  readonly cutOff?: Set<string>;
}

/** Called by an archived log as things happen. */
export interface ArchiveEvents {
  /** A record was appended, on a path of the target's history. */
  appended?(target: TargetKey, path: number, sequence: number): void;
  /** A refusal was written, of the message with this id. */
  refused?(target: TargetKey, id: string): void;
  /** A test has cut the history off behind `to`. */
  rewound?(target: TargetKey, from: number, to: number): void;
  /** An append was refused because the head was another one. */
  conflict?(target: TargetKey): void;
}

/** A log that also remembers everything that was ever appended, target by target. */
export interface ArchivedLog extends RewindableLog {
  readonly archive: ReadonlyMap<TargetKey, Archived>;
}

/**
 * Wraps an empty log that all servers of a test share. Several wirings: versions of one, for servers of several versions.
 *
 * @example
 * const log = archivedLog(memoryLog({ shared: true }), wiring);
 * log.archive.get("board:1")?.paths.at(-1)?.places.at(-1)?.model;
 */
export function archivedLog(
  log: LogStorage,
  wiring: Wiring | readonly Wiring[],
  events: ArchiveEvents = {},
): ArchivedLog {
  const wirings = "topics" in wiring ? [wiring] : wiring;
  const inner = rewindableLog(log);
  const archive = new Map<TargetKey, Required<Archived>>();

  function archived(target: TargetKey): Required<Archived> {
    let found = archive.get(target);
    if (found === undefined) {
      const slices = slicesOf(wirings, target);
      const origin: Place = { ...originOf(slices), record: undefined };
      const paths = [{ from: 0, places: [origin] }];
      found = { slices, paths, refusals: new Map(), cutOff: new Set() };
      archive.set(target, found);
    }
    return found;
  }

  function keep({ target, records, rows, expected }: Append): void {
    const { slices, paths, refusals } = archived(target);
    for (const { id, ...outcome } of rows.flatMap(({ outcomes }) => outcomes))
      if ("code" in outcome && !refusals.has(id)) {
        refusals.set(id, expected.sequence);
        events.refused?.(target, id);
      }
    if (records.length === 0) return;
    const { places } = paths.at(-1)!;
    for (const record of records)
      places.push({ ...placeAfter(slices, target, places.at(-1)!, record), record });
    events.appended?.(target, paths.length - 1, places.at(-1)!.sequence);
  }

  return {
    ...inner,
    archive,
    async append(batch) {
      const results = await inner.append(batch);
      for (const [i, append] of batch.entries()) {
        if (results[i]?.status === "appended") keep(append);
        else events.conflict?.(append.target);
      }
      return results;
    },
    async expire(expiry) {
      const expired = await inner.expire(expiry);
      // As if it had never been: it begins again at the origin.
      for (const target of [...expired.sessions, ...expired.tombstones]) {
        const { paths } = archived(target);
        paths.push({ from: 0, places: paths[0]!.places.slice(0, 1) });
      }
      return expired;
    },
    async rewind(target, toSequence) {
      const { paths, refusals, cutOff } = archived(target);
      const before = paths.at(-1)!.places;
      const sequence = await inner.rewind(target, toSequence);
      for (const [id, at] of refusals) if (at > sequence && refusals.delete(id)) cutOff.add(id);
      paths.push({ from: sequence, places: before.slice(0, sequence + 1) });
      events.rewound?.(target, before.length - 1, sequence);
      return sequence;
    },
  };
}
