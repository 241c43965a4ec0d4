// How many groups there may be, and how large: names and topics often are what users have chosen.
import { CallaError } from "@calla/shared";

/** Ceilings of `createGroups`. Over one nothing is changed, and the call throws `too-large`. `Infinity` lifts one. */
export interface GroupLimits {
  /** Groups at a time. Default: 10,000. */
  readonly maxGroups: number;
  /** Topics of one group, of both kinds. Default: 10,000. */
  readonly maxTopicsPerGroup: number;
  /** Units of text (UTF-16) of a group's name, and of a channel topic. Default: 255. */
  readonly maxNameLength: number;
}

const DEFAULT_GROUP_LIMITS: GroupLimits = {
  maxGroups: 10_000,
  maxTopicsPerGroup: 10_000,
  maxNameLength: 255,
};

/** @throws CallaError `wiring`: one is none, or no number above 0. */
export function groupLimitsOf(given: Partial<GroupLimits> = {}): GroupLimits {
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULT_GROUP_LIMITS, name))
      throw new CallaError("wiring", { name }, `createGroups has no limits.${name}.`);
    if (value !== undefined && !(typeof value === "number" && value > 0))
      throw new CallaError(
        "wiring",
        { name, value },
        `limits.${name} must be a number above 0 (or Infinity).`,
      );
  }
  const { maxGroups, maxTopicsPerGroup, maxNameLength } = DEFAULT_GROUP_LIMITS;
  return {
    maxGroups: given.maxGroups ?? maxGroups,
    maxTopicsPerGroup: given.maxTopicsPerGroup ?? maxTopicsPerGroup,
    maxNameLength: given.maxNameLength ?? maxNameLength,
  };
}

/** @throws CallaError `too-large`: `value` is more than this limit. */
export function within(limits: GroupLimits, limit: keyof GroupLimits, value: number, what: string): void {
  if (value <= limits[limit]) return;
  throw new CallaError(
    "too-large",
    { limit, max: limits[limit], value },
    `${what}, and limits.${limit} is ${limits[limit]}: make it smaller, or raise createGroups({ limits: { ${limit} } }).`,
  );
}
