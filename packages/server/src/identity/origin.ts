// Which web pages may connect. A browser names the page's origin in a header that the page cannot change; this keeps
// other sites from speaking with a visitor's cookies. It is no protection against other programs: they send what they
// like, so a request without the header is let through to authentication.

/**
 * Who may connect: pages of the server's own origin, of the listed origins ("https://app.example"), any, or as a
 * function says.
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

/**
 * Whether a request with these headers may connect. No Origin header: allowed, except that a function is asked. The
 * origin `null` (sandboxed frames, files) and anything malformed: refused, except under "any". Never throws.
 *
 * @example
 * originAllowed("same-origin", request.headers);
 */
export function originAllowed(policy: OriginPolicy, { origin, host }: OriginHeaders): boolean {
  if (policy === "any") return true;
  if (origin !== undefined && typeof origin !== "string") return false;
  if (typeof policy === "function") return asked(policy, origin);
  if (origin === undefined) return true;
  const page = normalOrigin(origin);
  if (page === undefined) return false;
  if (policy !== "same-origin") return policy.some((allowed) => normalOrigin(allowed) === page);
  // A proxy may have ended TLS, so the page's own scheme is taken; it only decides which port goes unsaid.
  const scheme = page.slice(0, page.indexOf(":"));
  return /^https?$/.test(scheme) && typeof host === "string" && normalOrigin(`${scheme}://${host}`) === page;
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
  const wrong = policy.find((entry) => normalOrigin(entry) === undefined);
  if (wrong === undefined) return undefined;
  return wrong === "*"
    ? '"*" is not an origin: write "any" in place of the list.'
    : `${JSON.stringify(wrong)} is not an origin: write it like "https://app.example" or "http://localhost:5173".`;
}

/** `scheme://host[:port]` in lower case without the scheme's own port; undefined for anything else. */
function normalOrigin(text: unknown): string | undefined {
  if (typeof text !== "string" || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/\\?#@,*]+$/i.test(text)) return undefined;
  try {
    const { protocol, host } = new URL(text);
    return host === "" ? undefined : `${protocol}//${host.toLowerCase()}`;
  } catch {
    return undefined;
  }
}

function asked(policy: (origin: string | undefined) => boolean, origin: string | undefined): boolean {
  try {
    return policy(origin) === true;
  } catch {
    return false;
  }
}
