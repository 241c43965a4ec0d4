// Why a log is not moved, or a move not taken back, as errors of Calla's that say what to do.
import { CallaError } from "@calla/shared";

/** `details.code` of what `moveLog` and `undoMove` reject with, besides what the file and Postgres say themselves. */
export type MoveProblem = "source" | "target" | "elsewhere" | "used" | "taken" | "unequal";

export const refuseMove = (code: MoveProblem, message: string, todo: string): CallaError<"storage"> =>
  new CallaError("storage", { code }, `The move (${code}): ${message}. ${todo}`);
