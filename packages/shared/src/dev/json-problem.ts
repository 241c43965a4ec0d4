// Why JSON has not a value, for who develops.
import { notInJson } from "../values/not-in-json.ts";

/** As the rest of a sentence; false where those are left out. */
export const jsonProblem: (value: unknown) => string | false = notInJson;
