// The limits of one server: the defaults, and what the app wants otherwise. A misspelt one must not be silent.
import { CallaError, DEFAULT_LIMITS } from "@calla/shared";
import type { Limits } from "@calla/shared";

/** @throws CallaError `wiring`: no limit of this name, or no number from 0. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new CallaError(
        "wiring",
        { name },
        `There is no limit "${name}"; SPEC.md, section LM, lists them.`,
      );
    if (value !== undefined && !(typeof value === "number" && value >= 0))
      throw new CallaError(
        "wiring",
        { name, value },
        `limits.${name} must be a number from 0 (or Infinity).`,
      );
  }
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(defined) };
}
