// Stands for dev/json-problem.ts where the condition "production" holds: the path says where.
import type * as Development from "../dev/json-problem.ts";

export const jsonProblem: typeof Development.jsonProblem = () => false;
