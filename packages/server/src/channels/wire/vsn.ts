// Which serialiser a connection has. Its `vsn` is a version in SemVer's strict form, and ~> 1.0.0 or ~> 2.0.0 takes it.
import { DEFAULT_DECODE_LIMITS } from "@calla/shared";
import type { JsonLimits } from "./json.ts";
import type { ChannelSerialiser } from "./serialiser.ts";
import { v1 } from "./v1.ts";
import { v2 } from "./v2.ts";

/** Of `serialisers`. */
export interface SerialiserOptions {
  /** Of one frame's JSON, counted as the sync server counts. Default: the sync server's. Over one: `MalformedFrame` 1009. */
  readonly limits?: Partial<JsonLimits>;
  /**
   * As Phoenix takes binary fields that are not UTF-8: an event reads as null, so its channel crashes; all others are
   * malformed with code 1011. Default: false, and all are malformed with 1007.
   */
  readonly strictPhoenix?: boolean;
}

const NUMBER = "(0|[1-9]\\d*)";
const PRE = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][\\dA-Za-z-]*)";
const BUILD = "[\\dA-Za-z-]+";
const VERSION = new RegExp(
  `^${NUMBER}[.]${NUMBER}[.]${NUMBER}(-${PRE}(?:[.]${PRE})*)?(?:[+]${BUILD}(?:[.]${BUILD})*)?$`,
);

/**
 * Makes the serialisers, one of each version, and gives what finds the one that a `vsn` asks for. Make them once: a
 * broadcast is encoded once for all who have the same serialiser.
 *
 * @example
 * const serialiserFor = serialisers({ limits: { maxDepth: 16 } });
 * const serialiser = serialiserFor(new URL(request.url, "ws://host").searchParams.get("vsn") ?? undefined);
 */
export function serialisers(
  options: SerialiserOptions = {},
): (vsn?: unknown) => ChannelSerialiser | undefined {
  const limits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  const made = [v1(limits), v2(limits, options.strictPhoenix ?? false)];
  return (vsn = "1.0.0") => {
    const [, major, minor, patch, before] = (typeof vsn === "string" && VERSION.exec(vsn)) || [];
    // 1.0.0-rc.1 comes before 1.0.0, and 1.0.1-rc.1 behind it.
    if (minor !== "0" || (patch === "0" && before !== undefined)) return undefined;
    return made.find((serialiser) => serialiser.vsn === `${major}.0.0`);
  };
}

/**
 * The serialiser that a connection's `vsn` asks for, with the limits of the sync server: `1.0.x`, which is also meant
 * where there is none (undefined), or `2.0.x`. undefined: for any other, and what is no version.
 *
 * @example
 * serialiserFor("2.0.0")?.decode('[null,"1","phoenix","heartbeat",{}]').ref; // "1"
 */
export const serialiserFor: (vsn?: unknown) => ChannelSerialiser | undefined = serialisers();
