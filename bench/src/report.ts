// Medians and ratios as a page of Markdown.
import { median } from "./median.ts";
import type { System } from "./dialects.ts";
import type { Figure, Measured, Target, Work } from "./scenarios.ts";

export type Results = Map<Work, Map<System, Measured[]>>;

/** Medians of the micro benchmarks, in nanoseconds. */
export type Micro = readonly { readonly title: string; readonly rows: readonly (readonly string[])[] }[];

export interface Circumstances {
  readonly rounds: number;
  readonly pinned: boolean;
  readonly cores: number;
}

export function report(
  results: Results,
  micro: Micro | undefined,
  { rounds, pinned, cores }: Circumstances,
): string {
  const date = new Date().toISOString().slice(0, 10);
  const lines = [
    "# Benchmark results",
    "",
    `Written by \`npm run bench\` on ${date}: Node ${process.versions.node}, ${cores} cores, server and load in separate processes${pinned ? ", each pinned to a core of its own" : ""}. Medians of ${rounds} interleaved rounds, or of as many as the work says; in brackets the median of the rounds' own ratios to the first system of the table. Absolute figures differ from machine to machine: read ratios, and take 0.8 to 1.25 as equal. Every delivery was checked for loss, order and duplicates.`,
    "",
    "`ws` is a plain loop of `socket.send(stringOnce)` and an acknowledgement; `ws-batched` joins what happens in one turn into one frame per subscriber, which the Phoenix wire cannot; `ws-corked` says a frame for each message and writes a turn's frames to a socket at once; socket.io uses rooms, acknowledgements and the WebSocket transport; Calla authenticates, authorises, deduplicates, validates, updates the model and logs every message. `calla-client` is the same with Calla's own client, which validates, predicts and keeps an outbox, in place of the lean one that speaks for all the other systems. `-msgpack` is Calla in MessagePack, where `calla` is JSON; `calla-http` posts each message by itself and `calla-packets`, as Calla's client does, all that wait in one. `sse` is the loop that one writes by hand over server-sent events, `long-poll` the one of polls, which answers the same bytes as Calla's channels; `calla-phoenix` and `calla-long-poll` are these channels over WebSocket and LongPoll: a user for every connection, a look at every message, a broadcast to those who follow, a reply to whoever says something; `ws-once` encodes its state once for all who join, `ws-records` sends those who come back what they missed. Busy says how much of its core the server and the load used: a load near 100 % is the limit, and the figure then a lower bound. Others is what the rest of the machine used of all cores meanwhile: where that is more than a tenth, do not trust the line. The real clients are each system's own, twenty in one process, joined to its own server: `tldraw` is tldraw sync (its store keeps records by their ids and has no list), `hocuspocus` a Y.Map or Y.Array of Y.Maps with Hocuspocus' provider and server; all must at last show what the server has, and every item as somebody put it. The updates that have to run are counted from what came over the sockets: each client's own changes once, each record once, and what still waits once for each frame with somebody else's record in it. How long a dispatch takes to be `queued` in IndexedDB is measured in a browser, by `e2e/storage.spec.ts`; that a server's heap stays flat while clients come and go, by `packages/testing/test/churn`.",
    "",
  ];
  for (const group of new Set([...results.keys()].map((work) => work.group)))
    lines.push(`## ${group}`, "", ...table([...results].filter(([work]) => work.group === group)), "");
  for (const { title, rows } of micro ?? []) lines.push(`## ${title}`, "", ...markdown(rows), "");
  return lines.join("\n");
}

function table(results: readonly (readonly [Work, Map<System, Measured[]>])[]): string[] {
  const systems = [...new Set(results.flatMap(([, bySystem]) => [...bySystem.keys()]))];
  const rows: string[][] = [["work", "figure", ...systems, "Calla must show", ""]];
  for (const [work, bySystem] of results) {
    const of = (system: System): readonly Measured[] => bySystem.get(system) ?? [];
    const [first] = work.systems;
    const base = of(first!);
    for (const figure of work.figures) {
      rows.push([
        work.title,
        figure.unit,
        ...systems.map((system) =>
          bySystem.has(system) ? cell(of(system), system === first ? [] : base, figure) : "",
        ),
        ...verdicts(figure, of, first!),
      ]);
    }
    const busy = (system: System): string =>
      (["serverBusy", "loadBusy", "others"] as const)
        .map((key) => `${(100 * (medianOf(of(system), key) ?? 0)).toFixed(0)} %`)
        .join(", ");
    rows.push([
      work.title,
      "busy: server, load, others",
      ...systems.map((system) => (bySystem.has(system) ? busy(system) : "")),
      "",
      "",
    ]);
  }
  return markdown(rows);
}

const medianOf = (all: readonly Measured[], key: keyof Measured): number | undefined =>
  all.length === 0 ? undefined : median(all.map((one) => one[key] ?? Number.NaN));

/** The rounds' own ratios, then their median: a machine that slows down from round to round changes none of them. */
function ratioOf(
  all: readonly Measured[],
  base: readonly Measured[],
  key: keyof Measured,
): number | undefined {
  const ratios = all.map((one, round) => (one[key] ?? Number.NaN) / (base[round]?.[key] ?? Number.NaN));
  const known = ratios.filter((ratio) => !Number.isNaN(ratio));
  return known.length === 0 ? undefined : median(known);
}

/** What each round took more than the other system did, in updates of that round; then the median. */
function updatesOver(
  all: readonly Measured[],
  base: readonly Measured[],
  key: keyof Measured,
): number | undefined {
  const known = all.flatMap((one, round) => {
    const [mine, theirs, update] = [one[key], base[round]?.[key], one.update];
    return mine === undefined || theirs === undefined || update === undefined ? [] : (mine - theirs) / update;
  });
  return known.length === 0 ? undefined : median(known);
}

function cell(all: readonly Measured[], base: readonly Measured[], { key, digits }: Figure): string {
  const value = medianOf(all, key);
  if (value === undefined) return "failed";
  if (Number.isNaN(value)) return ""; // this system has no such thing
  const shown = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ratio = ratioOf(all, base, key);
  return ratio === undefined ? shown : `${shown} (${ratio.toFixed(2)})`;
}

function verdicts(
  { key, targets = [] }: Figure,
  of: (system: System) => readonly Measured[],
  first: System,
): [string, string] {
  const several = targets.length > 1;
  const told = targets.map(({ system, of: what, must, bound, to = first }: Target) => {
    const all = of(system);
    const shown =
      what === "ratio"
        ? ratioOf(all, of(to), key)
        : what === "updates"
          ? updatesOver(all, of(to), key)
          : medianOf(all, key);
    const named = several || system !== "calla" ? `${system} ` : "";
    const beside = { ratio: ` × ${to}`, updates: ` updates + ${to}`, value: "" }[what];
    const asked = `${named}${must} ${bound}${beside}`;
    if (shown === undefined || Number.isNaN(shown)) return [asked, "not measured"];
    const verdict = (must === "≥" ? shown >= bound : shown <= bound) ? "met" : "**missed**";
    // A ratio to another system than the table's first stands in no cell.
    return [asked, to === first && what !== "updates" ? verdict : `${verdict} (${shown.toFixed(2)})`];
  });
  return [told.map(([asked]) => asked).join(", "), told.map(([, verdict]) => verdict).join(", ")];
}

/** A table whose first row is its head. */
function markdown(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i < 1 ? "---" : "--:"))), ...body.map(line)];
}
