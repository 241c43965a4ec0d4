// A mistake in the options of a log.
import { CallaError } from "@calla/shared";

/** @throws CallaError `wiring`, always. */
export function refuseOption(option: string, problem: string, of = "sqlite"): never {
  throw new CallaError("wiring", { option }, `${of}: ${option} ${problem}.`);
}
