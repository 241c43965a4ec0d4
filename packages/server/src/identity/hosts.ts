// The names under which a server may be reached. A page of another site can point its own name at this server (DNS
// rebinding): then the page's origin and the Host are equal, and only the name itself gives it away.
import { isIP } from "node:net";

/** Names ("app.example", "*.app.example"), without scheme and port; or any. */
export type Hosts = readonly string[] | "any";

/** What is wrong with the list, as a sentence. */
export function hostsProblem(hosts: Hosts | undefined): string | undefined {
  if (hosts === undefined || hosts === "any") return undefined;
  if (!Array.isArray(hosts)) return 'hosts must be a list of names, like ["app.example"], or "any".';
  const wrong = hosts.find((entry) => typeof entry !== "string" || !NAME.test(entry));
  return wrong === undefined
    ? undefined
    : `${JSON.stringify(wrong).slice(0, 100)} is no host: write its name alone, like "app.example" or "*.app.example".`;
}

const NAME = /^(\*\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?$|^\[?[0-9a-f:]+\]?$/i;

export interface HostRequest {
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

export interface HostRules {
  readonly hosts: Hosts | undefined;
  /** Where nothing else is said: pages may only ask under names that lead nowhere else. */
  readonly guarded: boolean;
}

/** Why a request may not come in under this name, as a sentence; undefined: it may. */
export function hostRefusal(
  { hosts, guarded }: HostRules,
  { origin, host }: HostRequest,
): string | undefined {
  if (hosts === "any" || (hosts === undefined && (!guarded || origin === undefined))) return undefined;
  const name = nameOf(host);
  if (name !== undefined && guarded && isLocal(name)) return undefined;
  if (name !== undefined && hosts?.some((entry) => matches(entry, name))) return undefined;
  const shown = JSON.stringify(host?.slice(0, 100) ?? "");
  return hosts === undefined
    ? `In development pages may reach this server as localhost or by address only, and this one used ${shown}. If that is this server's name, write createServer({ hosts: [${JSON.stringify(name ?? "app.example")}] })${ALONE}`
    : `This server is not known as ${shown}. If that is one of its names, add it to createServer({ hosts })${ALONE}`;
}

/** Without port, in lower case; undefined: no name. */
function nameOf(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
  return name === undefined || name === "" || name.length > 253 ? undefined : name;
}

/** No name that somebody else could have lead here. */
const isLocal = (name: string): boolean =>
  name === "localhost" || name.endsWith(".localhost") || isIP(name.replace(/^\[|\]$/g, "")) !== 0;

const matches = (entry: string, name: string): boolean =>
  entry.startsWith("*.")
    ? name.endsWith(entry.slice(1).toLowerCase()) && name.length > entry.length - 1
    : entry.toLowerCase() === name;

/** The same check serves both halves of the house. */
const ALONE = ", or createChannels({ hosts }) where channels stand alone.";
