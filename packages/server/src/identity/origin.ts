// Which web pages may connect. A browser names the page's origin in a header that the page cannot change; this keeps
// other sites from speaking with a visitor's cookies. It is no protection against other programs: they send what they
// like, so a request without the header is let through to authentication.

import { isThenable } from "../base/contain.ts";

/**
 * Who may connect: pages of the server's own origin, of the listed origins, any, or as a function says. An origin of the
 * list is whole ("https://app.example", "http://localhost:5173"), or leaves out what does not matter: "//app.example" is
 * any scheme and port of that host, "//app.example:8080" any scheme, and "//*.app.example" the host and all below it.
 */
export type OriginPolicy =
  | "same-origin"
  | "any"
  | readonly string[]
  | ((origin: string | undefined) => boolean);

/** The two headers that matter, as Node gives them. */
export interface OriginHeaders {
  readonly origin?: string | readonly string[] | undefined;
  readonly host?: string | readonly string[] | undefined;
}

/** How a list is compared. */
export interface OriginComparison {
  /** As Phoenix does: the case of hosts counts, and what stands behind an origin does not. Default false. */
  readonly asPhoenix?: boolean | undefined;
  /** Hears what a function threw that was to decide, and that it returned a promise. Default: nobody. */
  readonly report?: ((error: unknown) => void) | undefined;
}

/**
 * Whether a request with these headers may connect. No Origin header: allowed, except that a function is asked. The
 * origin `null` (sandboxed frames, files) and anything malformed: refused, except under "any". Never throws.
 *
 * @example
 * originAllowed("same-origin", request.headers);
 */
export function originAllowed(
  policy: OriginPolicy,
  { origin, host }: OriginHeaders,
  { asPhoenix = false, report }: OriginComparison = {},
): boolean {
  if (policy === "any") return true;
  if (origin !== undefined && typeof origin !== "string") return false;
  if (typeof policy === "function") return asked(policy, origin, report);
  if (origin === undefined) return true;
  if (policy !== "same-origin") {
    const page = pageOf(asPhoenix ? origin.replace(BEHIND, "$1") : origin, asPhoenix);
    return page !== undefined && policy.some((entry) => matches(entryOf(entry, asPhoenix), page));
  }
  const page = pageOf(origin);
  // A proxy may have ended TLS, so the page's own scheme is taken; it only decides which port goes unsaid.
  if (page === undefined || !/^https?$/.test(page.scheme) || typeof host !== "string") return false;
  const own = pageOf(`${page.scheme}://${host}`);
  return own !== undefined && own.host === page.host && own.port === page.port;
}

/**
 * What is wrong with a policy, as a sentence; undefined if nothing is. For the start of a server: a misspelt entry would
 * otherwise refuse everyone without a word.
 *
 * @example
 * originPolicyProblem(["app.example"]); // '"app.example" is not an origin: write "https://app.example".'
 */
export function originPolicyProblem(policy: OriginPolicy): string | undefined {
  if (policy === "same-origin" || policy === "any" || typeof policy === "function") return undefined;
  if (!Array.isArray(policy)) return 'origins must be "same-origin", "any", a list of origins or a function.';
  const wrong = policy.find((entry) => entryOf(entry) === undefined);
  if (wrong === undefined) return undefined;
  return wrong === "*"
    ? '"*" is not an origin: write "any" in place of the list.'
    : `${JSON.stringify(wrong)} is not an origin: write it like "https://app.example" or "http://localhost:5173", or "//*.app.example" for all below a host.`;
}

interface Page {
  /** In lower case. */
  readonly scheme: string;
  /** In lower case; as Phoenix compares, as it was written. */
  readonly host: string;
  /** The scheme's own where none was written. */
  readonly port: string;
}
/** Of a list: what is undefined does not matter. */
interface Entry {
  readonly scheme: string | undefined;
  readonly host: string;
  readonly port: string | undefined;
  /** Hosts below it, too. */
  readonly below: boolean;
}

const PORTS: Readonly<Record<string, string | undefined>> = {
  http: "80",
  https: "443",
  ws: "80",
  wss: "443",
};
const WHOLE = /^([a-z][a-z0-9+.-]*):\/\/([^\s/\\?#@,*]+)$/i;
const LISTED = /^(?:([a-z][a-z0-9+.-]*):)?\/\/(\*\.)?([^\s/\\?#@,*]+)$/i;
/** An origin, and a path or query behind it. */
const BEHIND = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)[/?#].*$/is;

/** `scheme://host[:port]`; undefined for anything else. */
function pageOf(text: unknown, asWritten = false): Page | undefined {
  const [, , written = ""] = (typeof text === "string" && WHOLE.exec(text)) || [];
  if (written === "") return undefined;
  try {
    const { protocol, hostname, port } = new URL(text as string);
    const scheme = protocol.slice(0, -1);
    if (hostname === "") return undefined;
    const host = asWritten ? written.replace(/:\d*$/, "") : hostname.toLowerCase();
    return { scheme, host, port: port === "" ? (PORTS[scheme] ?? "") : port };
  } catch {
    return undefined;
  }
}

function entryOf(text: unknown, asWritten = false): Entry | undefined {
  const [, scheme, star, rest = ""] = (typeof text === "string" && LISTED.exec(text)) || [];
  const page = pageOf(`${scheme ?? "http"}://${rest}`, asWritten);
  if (page === undefined) return undefined;
  const port = scheme === undefined ? /:(\d+)$/.exec(rest)?.[1] : page.port;
  return {
    scheme: scheme === undefined ? undefined : page.scheme,
    host: page.host,
    port,
    below: star !== undefined,
  };
}

const matches = (entry: Entry | undefined, page: Page): boolean =>
  entry !== undefined &&
  (entry.scheme ?? page.scheme) === page.scheme &&
  (entry.port ?? page.port) === page.port &&
  (entry.host === page.host || (entry.below && page.host.endsWith(`.${entry.host}`)));

function asked(
  policy: (origin: string | undefined) => boolean,
  origin: string | undefined,
  report: OriginComparison["report"],
): boolean {
  try {
    const answer: unknown = policy(origin);
    if (isThenable(answer)) {
      // Nobody waits for it, and its rejection must not end the process.
      Promise.resolve(answer).then(undefined, (error: unknown) => report?.(error));
      throw new TypeError(
        "The function in origins returned a promise, so everybody is refused: it decides at once. What takes time belongs into authenticate, or connect.",
      );
    }
    return answer === true;
  } catch (error) {
    report?.(error);
    return false;
  }
}
