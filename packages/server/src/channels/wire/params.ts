// The query and the path's variables as Phoenix reads them: `a[b]=c` nests, `l[]=1` lists, the last of repeated keys
// counts, and what is badly encoded is kept as it is (W19a). Objects have no prototype: any key is a key.
import type { Json, JsonObject } from "./message.ts";

interface Open {
  [key: string]: Json | Json[] | Open;
}

/** So many are read; a URL with more is refused. */
const MOST = 1_000;
/** So deep they nest, as in Phoenix. */
const DEEPEST = 32;

/** Of a request's target; undefined: more or deeper than is read. The path's variables count before the query's. */
export function paramsOf(url: string, variables: Readonly<Record<string, string>>): JsonObject | undefined {
  const params = bare();
  const at = url.indexOf("?");
  const query = at === -1 ? "" : (url.slice(at + 1).split("#", 1)[0] ?? "");
  let left = MOST;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    if (left-- === 0) return undefined;
    const equals = pair.indexOf("=");
    const name = decoded(equals === -1 ? pair : pair.slice(0, equals));
    const path = pathOf(name);
    if (path.length > DEEPEST) return undefined;
    put(params, path, equals === -1 ? "" : decoded(pair.slice(equals + 1)));
  }
  return Object.assign(params, variables) as JsonObject;
}

/** Percent encoding undone; what is none stays, and bytes that are no UTF-8 become U+FFFD. */
export const percentDecoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());

const decoded = (text: string): string => percentDecoded(text.replaceAll("+", " "));

const bare = (): Open => Object.create(null) as Open;

/** `a[b][]` as `a`, `b`, ``; a name without that form is itself. */
function pathOf(name: string): readonly string[] {
  const open = name.indexOf("[");
  if (open === -1 || !name.endsWith("]")) return [name];
  return [name.slice(0, open), ...name.slice(open + 1, -1).split("][")];
}

function put(into: Open, path: readonly string[], value: string): void {
  let holder: Open | Json[] = into;
  for (const [at, step] of path.entries()) {
    const next = path[at + 1];
    // What stood there and is of another kind gives way: the last counts.
    const last = next === undefined;
    if (Array.isArray(holder)) {
      if (last) holder.push(value);
      else holder.push((holder = next === "" ? [] : bare()) as Json);
      continue;
    }
    if (last) {
      holder[step] = value;
      return;
    }
    const before: Open[string] | undefined = holder[step];
    const list = next === "";
    const fits = typeof before === "object" && before !== null && Array.isArray(before) === list;
    holder = fits ? (before as Open | Json[]) : (holder[step] = list ? [] : bare());
  }
}
