// A CPU profile in a few lines: which functions the time went to.
import { readFileSync } from "node:fs";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The functions with the most self time, with their share of the time that was not idle. */
export function topFunctions(file: string, count: number): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || "(anonymous)"}${url === "" ? "" : ` ${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`}`,
    ]),
  );
  const times = new Map<string, number>();
  let all = 0;
  samples.forEach((id, i) => {
    const name = names.get(id) ?? "?";
    // Waiting, and the profiler's own start and stop.
    if (name === "(idle)" || name === "dispatch") return;
    const time = timeDeltas[i] ?? 0;
    all += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `${((100 * time) / all).toFixed(1).padStart(6)} %  ${name}`)
    .join("\n");
}
