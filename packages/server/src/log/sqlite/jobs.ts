// What the log's methods mean in statements: groups of a guard and the steps that follow it (executor.ts).
import type { Cursor, TargetKey } from "@calla/shared";
import type { Append, Claim, Expiry, LogRecord, LogSnapshot } from "../log.ts";
import type { Group, Parameter, ExecutorStep } from "./executor.ts";
import type { AgedRow } from "./reader.ts";
import { RECORDS, ROW, statement } from "./statements.ts";
import type { StatementName } from "./statements.ts";
import { DAY } from "./tables.ts";
import { plainName } from "../plain-name.ts";
import { recordCells } from "../record-cells.ts";
import type { TextCodec } from "../text.ts";

/** Outcomes of so many characters may be in their client's own row: it is written anew until they are settled. */
const SHORT = 512;

const step = (name: StatementName, ...parameters: Parameter[]): ExecutorStep => [
  statement(name),
  ...parameters,
];

/** @throws CallaError `invalid-value`, or whatever keeps something in it from being text. */
export function appendGroup({ target, expected, records, rows, at: now }: Append, text: TextCodec): Group {
  const first = records[0];
  const name = plainName(target);
  const steps: ExecutorStep[] = [];
  if (first?.model !== undefined) {
    const model = text.model.write(first.model.value);
    const place = [first.sequence, first.mark, first.version, first.at] as const;
    steps.push(step("revive", ...place, model, expected.sequence, expected.mark));
  }
  for (let from = 0; from < records.length;) {
    const many = records.length - from >= RECORDS;
    const row: Parameter[] = [statement(many ? "records" : "record")];
    const to = from + (many ? RECORDS : 1);
    for (; from < to; from++) row.push(...recordCells(records[from]!, text));
    steps.push(row as unknown as ExecutorStep);
  }
  const day = Math.floor(now / DAY);
  for (const { clientId, was, last, settled, outcomes, whole = false } of rows) {
    const client = plainName(clientId);
    const own = outcomes.length === 0 ? "" : text.outcomes.write(outcomes);
    const replaces = whole || settled >= was;
    // Beside what is not settled yet they are a row of their own, or the client's would be written whole again and again.
    if (replaces && (whole || own.length <= SHORT)) {
      steps.push(step("client", name, client, last, settled, own, ROW.whole, now, day, was));
    } else if (own === "") {
      steps.push(step("client", name, client, last, settled, own, ROW.same, now, day, was));
    } else {
      const kind = replaces ? ROW.other : ROW.more;
      steps.push(step("client", name, client, last, settled, "", kind, now, day, was));
      steps.push(step("outcomes", name, client, outcomes.at(-1)!.mid, own));
    }
  }
  return { guard: headGuard(name, expected, records), steps };
}

/** Compares the head, and moves it where there are records. */
function headGuard(name: string, { sequence, mark }: Cursor, records: readonly LogRecord[]): ExecutorStep {
  const begins = sequence === 0 && mark === 0;
  const last = records.at(-1);
  if (last === undefined) return begins ? step("never", name) : step("stay", name, sequence, mark);
  const head = [last.sequence, last.mark, last.version, last.at, last.at] as const;
  if (begins) return step("begin", name, ...head);
  return step("append", ...head, name, sequence, mark, records[0]!.model === undefined ? 0 : 1);
}

/** Saves a snapshot and lets records go that are more than `retention` behind it. */
export function saveGroup(
  target: TargetKey,
  { sequence, mark, version, at, model }: LogSnapshot,
  retention: number,
  text: TextCodec,
): Group {
  return {
    guard: step("save", plainName(target), sequence, mark),
    steps: [
      step("thin"),
      step("snapshot", sequence, mark, version, at, text.model.write(model)),
      step("rebase", Math.max(0, sequence - retention)),
      step("outdated"),
      step("litter"),
    ],
  };
}

export const removeGroup = (target: TargetKey, at: number, unusedSince: number): Group => ({
  guard: step("remove", at, plainName(target), unusedSince),
  steps: [step("next"), step("gone", "removed", at), step("forget"), step("litter")],
});

export const touchGroup = (target: TargetKey, at: number): Group => ({
  guard: step("touch", at, plainName(target), at),
  steps: [],
});

export const expireSessionGroup = (name: string, { sessions, at }: Expiry): Group => ({
  guard: step("expireSession", name, sessions),
  steps: [step("next"), step("gone", "expired", at), step("forget"), step("litter"), step("bury")],
});
export const expireTombstoneGroup = (name: string, { tombstones }: Expiry): Group => ({
  guard: step("expireTombstone", name, tombstones),
  steps: [step("bury")],
});
export const expireClientGroup = ({ target, client }: AgedRow, { rows }: Expiry): Group => ({
  guard: step("expireClient", target, client, rows),
  steps: [],
});
export const freshenGroup = ({ target, client }: AgedRow): Group => ({
  guard: step("freshen", target, client),
  steps: [],
});
export const expireConsumerGroup = (name: string, { consumers }: Expiry): Group => ({
  guard: step("expireConsumer", name, consumers),
  steps: [],
});

/** It gives the position. */
export const claimGroup = (name: string, { owner, now, until, from }: Claim): Group => ({
  guard: step("claim", plainName(name), from === "now" ? 1 : 0, plainName(owner), until, now),
  steps: [],
});
export const advanceGroup = (name: string, owner: string, position: number, until: number): Group => ({
  guard: step("advance", position, until, plainName(name), plainName(owner)),
  steps: [],
});
export const dropGroup = (name: string): Group => ({ guard: step("drop", plainName(name)), steps: [] });

/** Deletes some of what is no longer part of a history. They give something as long as there was something. */
export const sweepGroups: readonly Group[] = [
  { guard: step("dirty"), steps: [step("sweep"), step("left"), step("swept"), step("bury")] },
  { guard: step("heard"), steps: [step("hush")] },
];

export const secretGroup = (hexadecimal: string): Group => ({
  guard: step("secret", hexadecimal),
  steps: [],
});

/** How much of the file a group writes, roughly: its texts, and eight bytes for a number. */
export const bytesOf = ({ steps }: Group): number =>
  steps.reduce(
    (sum, parameters) =>
      sum + parameters.reduce<number>((own, one) => own + (typeof one === "string" ? one.length : 8), 0),
    0,
  );
