// The beginning of a connection: whether a handshake, or the first request of a session, is the one that was recorded.
import type { Opening } from "./line.ts";
import type { Act } from "./script.ts";

/** The params by which the fixture app does something else. */
const TELLING = ["vsn", "refuse", "raise", "id"];
const STRUCTURE = ["upgrade", "connection", "sec-websocket-version"];

/** A client opens once, and is asked about at every frame. */
const asked = new WeakMap<Opening, Map<Act, 0 | 1 | undefined>>();

/** How near it comes: 0 the same, 1 with other params and headers that play no part; undefined: another. */
export function fits(act: Open, opening: Opening): 0 | 1 | undefined {
  const known = asked.get(opening) ?? new Map<Act, 0 | 1 | undefined>();
  asked.set(opening, known);
  if (!known.has(act)) known.set(act, nearness(act, opening));
  return known.get(act);
}

type Open = Extract<Act, { act: "open" }>;

function nearness({ deed }: Open, opening: Opening): 0 | 1 | undefined {
  // Words are the same over both, as far as the script is plain.
  const path =
    opening.over === "longpoll"
      ? deed.path.replace("/websocket", "/longpoll")
      : deed.path.replace("/longpoll", "/websocket");
  const headers = lower(deed.headers ?? {});
  const { behind = "" } = deed.do === "upgrade" ? deed : {};
  if (behind !== opening.behind) return undefined;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string" ? opening.headers[name] !== value : opening.headers[name] !== undefined)
      return undefined;
  }
  if (opening.over === "websocket") {
    const protocols = deed.do === "upgrade" ? deed.protocols : [];
    if (!isHandshake(protocols, headers, opening)) return undefined;
  }
  if (!("origin" in headers) && opening.headers.origin !== undefined && path.startsWith("/origin/"))
    return undefined;
  const near = samePath(path, opening.path);
  // The more of what was asked for is in the recording, the nearer.
  const extra = opening.headers.origin !== undefined && !("origin" in headers);
  return near === 0 && extra ? 1 : near;
}

function isHandshake(
  protocols: readonly string[] = [],
  headers: Readonly<Record<string, string | readonly []>>,
  { headers: actual }: Opening,
): boolean {
  const offered = String(actual["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const plain: Record<string, string> = {
    upgrade: "websocket",
    connection: "upgrade",
    "sec-websocket-version": "13",
  };
  return (
    offered.join(",") === protocols.join(",") &&
    (actual["sec-websocket-key"] === undefined) === Array.isArray(headers["sec-websocket-key"]) &&
    STRUCTURE.every(
      (name) =>
        name in headers ||
        String(actual[name] ?? "")
          .toLowerCase()
          .includes(plain[name] ?? ""),
    )
  );
}

/** The same path; the params in any order, and of the plain sockets only those that they know. */
function samePath(recorded: string, actual: string): 0 | 1 | undefined {
  if (recorded === actual) return 0;
  const [a, b] = [new URL(recorded, "http://host"), new URL(actual, "http://host")];
  if (a.pathname !== b.pathname || !/^\/(socket|quick|few|v1only)\//.test(a.pathname)) return undefined;
  const known = (url: URL): string =>
    TELLING.map((name) => {
      const value = url.searchParams.getAll(name).at(-1);
      return name === "id" ? value !== undefined : value;
    }).join("&");
  return known(a) === known(b) && a.searchParams.get("vsn[]") === b.searchParams.get("vsn[]") ? 1 : undefined;
}

const lower = (
  headers: Readonly<Record<string, string | readonly []>>,
): Record<string, string | readonly []> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
