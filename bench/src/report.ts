// Medians and ratios as a page of Markdown.
import { median } from "./median.ts";
import type { System } from "./dialects.ts";
import type { Figure, Measured, Scenario } from "./scenarios.ts";

export type Results = Map<Scenario, Map<System, Measured[]>>;

/** Medians of the micro benchmarks, in nanoseconds. */
export type Micro = readonly { readonly title: string; readonly rows: readonly (readonly string[])[] }[];

export interface Circumstances {
  readonly rounds: number;
  readonly pinned: boolean;
  readonly cores: number;
}

export function report(
  systems: readonly System[],
  results: Results,
  micro: Micro | undefined,
  { rounds, pinned, cores }: Circumstances,
): string {
  const date = new Date().toISOString().slice(0, 10);
  const lines = [
    "# Benchmark results",
    "",
    `Written by \`npm run bench\` on ${date}: Node ${process.versions.node}, ${cores} cores, server and load in separate processes${pinned ? ", each pinned to a core of its own" : ""}. Medians of ${rounds} interleaved rounds; in brackets the median of the rounds' own ratios to raw \`ws\`. Absolute figures differ from machine to machine: read ratios, and take 0.8 to 1.25 as equal. Every delivery was checked for loss, order and duplicates.`,
    "",
    "`ws` is a plain loop of `socket.send(stringOnce)` and an acknowledgement; `ws-batched` joins what happens in one turn into one frame per subscriber; socket.io uses rooms, acknowledgements and the WebSocket transport; Calla authenticates, authorises, deduplicates, validates, updates the model and logs every message. `calla-client` is the same with Calla's own client, which validates, predicts and keeps an outbox, in place of the lean one that speaks for all the other systems. Busy says how much of its core the server and the load used: a load near 100 % is the limit, and the figure then a lower bound. Others is what the rest of the machine used of all cores meanwhile: where that is more than a tenth, do not trust the line.",
    "",
  ];
  if (results.size > 0) lines.push(...table(systems, results), "");
  for (const { title, rows } of micro ?? []) lines.push(`## ${title}`, "", ...markdown(rows), "");
  return lines.join("\n");
}

function table(systems: readonly System[], results: Results): string[] {
  const rows: string[][] = [["work", "figure", ...systems, "Calla must show", ""]];
  for (const [scenario, bySystem] of results) {
    for (const figure of scenario.figures) {
      const of = (system: System): readonly Measured[] => bySystem.get(system) ?? [];
      const base = of("ws");
      rows.push([
        scenario.title,
        figure.unit,
        ...systems.map((system) => (bySystem.has(system) ? cell(of(system), base, figure, system) : "")),
        ...verdict(figure, of("calla"), base),
      ]);
    }
    const busy = (system: System): string =>
      (["serverBusy", "loadBusy", "others"] as const)
        .map((key) => `${(100 * (medianOf(bySystem.get(system) ?? [], key) ?? 0)).toFixed(0)} %`)
        .join(", ");
    rows.push([
      scenario.title,
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

function cell(
  all: readonly Measured[],
  base: readonly Measured[],
  { key, digits }: Figure,
  system: System,
): string {
  const value = medianOf(all, key);
  if (value === undefined) return "failed";
  const shown = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ratio = ratioOf(all, base, key);
  return system === "ws" || ratio === undefined ? shown : `${shown} (${ratio.toFixed(2)})`;
}

function verdict(
  { key, target }: Figure,
  all: readonly Measured[],
  base: readonly Measured[],
): [string, string] {
  if (target === undefined) return ["", ""];
  const { of, must, bound } = target;
  const asked = `${must} ${bound}${of === "ratio" ? " × ws" : ""}`;
  const shown = of === "ratio" ? ratioOf(all, base, key) : medianOf(all, key);
  if (shown === undefined || Number.isNaN(shown)) return [asked, "not measured"];
  return [asked, (must === "≥" ? shown >= bound : shown <= bound) ? "met" : "**missed**"];
}

/** A table whose first row is its head. */
function markdown(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i < 1 ? "---" : "--:"))), ...body.map(line)];
}
