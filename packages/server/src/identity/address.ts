// The address of a connection. Behind proxies the socket's address is the proxy's: what a trusted proxy adds to
// X-Forwarded-For is believed, and what stands before that is the visitor's own claim and is not.
import { BlockList, isIP } from "node:net";
import type { ConnectRequest } from "../base/connection.ts";

/** Addresses and networks ("10.0.0.0/8", "::1") of one's own proxies. */
export type TrustedProxies = readonly string[];

/** Hops looked at, from the nearest on. */
const MOST_HOPS = 16;

/** Gives the address that connections are counted by; IPv6 by its /64, which is what one visitor has. undefined: none. */
export function addressReader(
  trusted: TrustedProxies,
  /** Hears of requests that no trusted proxy has brought. */
  untrusted: (request: ConnectRequest) => void = () => undefined,
): (request: ConnectRequest) => string | undefined {
  const list = new BlockList();
  for (const entry of trusted) allow(list, entry);
  const isTrusted = (address: string): boolean =>
    trusted.length > 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (request) => {
    const { remoteAddress, headers } = request;
    let address = plain(remoteAddress ?? "");
    // A local socket has no address: only a proxy of one's own can be behind it.
    if (address === undefined && (remoteAddress !== undefined || trusted.length === 0)) {
      untrusted(request);
      return undefined;
    }
    if (address !== undefined && !isTrusted(address)) {
      untrusted(request);
      return network(address);
    }
    for (const hop of hops(headers["x-forwarded-for"])) {
      const next = plain(hop);
      if (next === undefined) break;
      address = next;
      if (!isTrusted(next)) break;
    }
    return address && network(address);
  };
}

/** What is wrong with the list, as a sentence. */
export function trustedProxiesProblem(trusted: unknown): string | undefined {
  if (!Array.isArray(trusted))
    return 'trustedProxies must be a list of addresses, like ["10.0.0.0/8", "::1"].';
  for (const entry of trusted as readonly unknown[]) {
    try {
      allow(new BlockList(), String(entry));
    } catch {
      return `${JSON.stringify(entry)} is no address: write it like "10.0.0.7" or "10.0.0.0/8".`;
    }
  }
  return undefined;
}

function allow(list: BlockList, entry: string): void {
  const [address = "", prefix] = entry.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (prefix === undefined) list.addAddress(address, family);
  else if (!/^\d+$/.test(prefix)) throw new Error("no prefix");
  else list.addSubnet(address, Number(prefix), family);
}

/** The nearest first. */
const hops = (header: string | readonly string[] | undefined): readonly string[] =>
  (typeof header === "string" ? header : (header ?? []).join(","))
    .slice(-1_024)
    .split(",")
    .slice(-MOST_HOPS)
    .toReversed();

/** How a socket that listens for both writes IPv4. */
const MAPPED = "::ffff:";

/** Without brackets, port and IPv4-in-IPv6; undefined: no address. */
function plain(text: string): string | undefined {
  const short = text.startsWith(MAPPED) ? text.slice(MAPPED.length) : text;
  if (isIP(short) === 4) return short; // as nearly all are
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, "$1")
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1")
    .replace(/^::ffff:(?=\d+\.)/i, "")
    .replace(/%.*$/, "");
  return isIP(bare) === 0 ? undefined : bare;
}

function network(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
