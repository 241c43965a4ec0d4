// A mistake in the options of a SQLite log.
import { CallaError } from "@calla/shared";

/** @throws CallaError `wiring`, always. */
export function refuseOption(option: string, problem: string): never {
  throw new CallaError("wiring", { option }, `sqlite: ${option} ${problem}.`);
}
