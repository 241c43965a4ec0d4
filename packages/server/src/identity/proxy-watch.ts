// Whether connections come through a proxy that is not in `trustedProxies`: then all visitors count as one address.
// Found by what only a proxy does, and reported once, because the operator cannot see it otherwise.
import { CallaError } from "@calla/shared";
import type { ConnectRequest } from "../base/connection.ts";

/** So many users on one address are more likely a proxy than a household; a school has as many, so it is only said. */
const MANY_USERS = 100;
/** Addresses of which users are remembered. */
const MOST_ADDRESSES = 1_000;

const CURE =
  "all visitors count as one address (maxConnectionsPerAddress and all shares). If it is a proxy of yours, list it: createServer({ trustedProxies: [";

export class ProxyWatch {
  readonly #report: (error: CallaError) => void;
  #forwards = false;
  #crowded = false;
  readonly #users = new Map<string, Set<string>>();

  constructor(report: (error: CallaError) => void) {
    this.#report = report;
  }

  /** A request whose address is its socket's, for that is no proxy that is trusted. */
  untrusted({ remoteAddress, headers }: ConnectRequest): void {
    if (this.#forwards || headers["x-forwarded-for"] === undefined || !isPrivate(remoteAddress)) return;
    this.#forwards = true;
    const from = remoteAddress ?? "a local socket";
    this.#report(
      new CallaError(
        "transport",
        { address: from },
        `${from} sends X-Forwarded-For and is not trusted, so ${CURE}${JSON.stringify(remoteAddress ?? "127.0.0.1")}] }).`,
      ),
    );
  }

  /** A user has come from this address. */
  user(address: string | undefined, userId: string | null): void {
    if (this.#crowded || address === undefined || userId === null) return;
    let users = this.#users.get(address);
    if (users === undefined) {
      for (const oldest of this.#users.keys()) {
        if (this.#users.size < MOST_ADDRESSES) break;
        this.#users.delete(oldest);
      }
      this.#users.set(address, (users = new Set()));
    }
    users.add(userId);
    if (users.size < MANY_USERS) return;
    this.#crowded = true;
    this.#users.clear();
    this.#report(
      new CallaError(
        "transport",
        { address, users: MANY_USERS },
        `${MANY_USERS} users have come from ${address}, and ${CURE}${JSON.stringify(address.replace("::/64", "::1"))}] }).`,
      ),
    );
  }
}

/** Of a network of one's own, where proxies stand; undefined: a local socket. */
function isPrivate(address: string | undefined): boolean {
  if (address === undefined) return true;
  const plain = address.replace(/^::ffff:/i, "").toLowerCase();
  return /^(10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^::1$|^f[cd]|^fe[89ab]/.test(
    plain,
  );
}
