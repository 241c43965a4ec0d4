// The limits of one server: the defaults, and what the app wants otherwise. A misspelt one must not be silent.
import { CallaError, DEFAULT_LIMITS } from "@calla/shared";
import type { Limits } from "@calla/shared";

/** What is counted, not measured. */
const COUNTS = /^max(?!Staleness)/;

/** @throws CallaError `wiring`: no limit of this name, no number from 0, a rate of 0, or a part of something that is counted. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new CallaError("wiring", { name }, `There is no limit "${name}"; spec/limits.md lists them.`);
    if (value !== undefined && !(typeof value === "number" && value >= 0))
      throw new CallaError(
        "wiring",
        { name, value },
        `limits.${name} must be a number from 0 (or Infinity).`,
      );
    if (value === 0 && name.endsWith("Rate"))
      throw new CallaError("wiring", { name, value }, `limits.${name} must be above 0 (or Infinity).`);
    if (COUNTS.test(name) && value !== undefined && value !== Infinity && !Number.isSafeInteger(value))
      throw new CallaError(
        "wiring",
        { name, value },
        `limits.${name} must be a whole number from 0 (or Infinity).`,
      );
  }
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(defined) };
}

/** Records that are read at once, whatever a subscriber may be sent: of none nothing could be folded. */
export const pageOf = ({ maxCatchUp }: Pick<Limits, "maxCatchUp">): number =>
  Math.min(Math.max(maxCatchUp, 1), MOST_AT_ONCE);

const MOST_AT_ONCE = 10_000;
