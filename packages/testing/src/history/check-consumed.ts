// Consumers: each record of a log's newest history is handed to them, in its target's order, though some twice.
import type { TargetKey } from "@calla/shared";
import { isSession } from "@calla/shared";
import type { Archived } from "./archive.ts";
import type { History, HistoryEvent, Violation } from "./history.ts";

type Consumed = Extract<HistoryEvent, { type: "consumed" }>;

/** A run without consumers has nothing to ask. */
export function checkConsumed({ events, archive, quiet }: History): Violation[] {
  const consumed = events.filter((event) => event.type === "consumed");
  if (consumed.length === 0 || quiet === undefined) return [];
  const found = [...unconsumed(archive, consumed), ...disordered(archive, consumed)];
  return found.map((what) => ({ rule: "HC22", what }));
}

/** Records of the newest paths that were never handed over, a text for each target. */
export function unconsumed(
  archive: ReadonlyMap<TargetKey, Archived>,
  consumed: readonly Consumed[],
): readonly string[] {
  const heard = new Set(consumed.map(nameOf));
  return topicsOf(archive).flatMap(([target, places]) => {
    const missing = places.find(({ sequence, mark }) => !heard.has(nameOf({ target, sequence, mark })));
    return missing ? [`the consumer was never handed ${target} at ${missing.sequence}`] : [];
  });
}

/** Records that were handed over before the one before them ever was. */
function disordered(
  archive: ReadonlyMap<TargetKey, Archived>,
  consumed: readonly Consumed[],
): readonly string[] {
  const first = new Map<string, number>();
  for (const [at, one] of consumed.entries()) if (!first.has(nameOf(one))) first.set(nameOf(one), at);
  return topicsOf(archive).flatMap(([target, places]) => {
    const at = places.map(({ sequence, mark }) => first.get(nameOf({ target, sequence, mark })) ?? Infinity);
    const early = at.findIndex((one, i) => i > 0 && one < at[i - 1]!);
    return early < 0
      ? []
      : [`the consumer was handed ${target} at ${places[early]!.sequence} before what came before it`];
  });
}

/** Topics with the places of their newest path, without the origin. */
const topicsOf = (archive: ReadonlyMap<TargetKey, Archived>) =>
  [...archive].flatMap(([target, { paths }]) =>
    isSession(target) ? [] : [[target, paths.at(-1)!.places.slice(1)] as const],
  );

const nameOf = ({ target, sequence, mark }: Pick<Consumed, "target" | "sequence" | "mark">): string =>
  `${target} ${sequence} ${mark}`;
