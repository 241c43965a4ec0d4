// Where a transport of a mount is: a path with variables, "/socket/:tenant/websocket".
import { CallaError } from "@calla/shared";
import { percentDecoded } from "../wire/params.ts";

export type PathVariables = Readonly<Record<string, string>>;

/** A path of a mount. */
export interface Place {
  /** As it was written, for sentences. */
  readonly path: string;
  /** The variables in a request's path (without the query); undefined: another path. */
  variablesOf(path: string): PathVariables | undefined;
}

/** @throws CallaError `transport`: no path. */
export function placeAt(mount: string, below: string): Place {
  for (const path of [mount, below])
    if (typeof path !== "string" || !path.startsWith("/") || /[?#*\s]/.test(path))
      throw new CallaError(
        "transport",
        { path },
        'A mount\'s path begins with "/" and has neither query nor "*", like "/socket" or "/socket/:tenant".',
      );
  const wanted = [...segmentsOf(mount), ...segmentsOf(below)];
  const names = wanted.filter((segment) => segment.startsWith(":"));
  if (names.includes(":") || new Set(names).size < names.length)
    throw new CallaError(
      "transport",
      { path: mount + below },
      "Each variable of a path has a name of its own.",
    );
  return {
    path: `/${wanted.join("/")}`,
    variablesOf(path) {
      const segments = segmentsOf(path);
      if (segments.length !== wanted.length) return undefined;
      const variables = Object.create(null) as Record<string, string>;
      for (const [at, name] of wanted.entries()) {
        const segment = percentDecoded(segments[at] ?? "");
        if (name.startsWith(":")) variables[name.slice(1)] = segment;
        else if (segment !== name) return undefined;
      }
      return variables;
    },
  };
}

/** Without those that are empty: a slash too many, or at the end, changes nothing (W19a). */
const segmentsOf = (path: string): readonly string[] => path.split("/").filter((segment) => segment !== "");
