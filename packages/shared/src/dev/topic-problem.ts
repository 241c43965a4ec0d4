// Why parameters make no topic id, for who develops.
import { topicIdProblem } from "../wiring/topic-id.ts";

/** As the rest of a sentence; false where those are left out. `id`: what they would make with the pattern's segments. */
export const topicProblem = (
  segments: readonly string[],
  given: readonly unknown[],
  id: string,
): string | false =>
  paramsProblem(segments, given) ?? `cannot be ${JSON.stringify(id)}: it ${topicIdProblem(id)}`;

/** undefined: the id itself is wrong. */
function paramsProblem(segments: readonly string[], given: readonly unknown[]): string | undefined {
  let next = 0;
  for (const [i, segment] of segments.entries()) {
    if (segment !== "*") continue;
    const param = given[next++];
    if (typeof param !== "string" || param === "") return `takes a text as parameter ${next}`;
    if (i < segments.length - 1 && param.includes(":")) return `has a ":" in parameter ${next}`;
  }
  return given.length === next ? undefined : `takes ${next} parameter(s), not ${given.length}`;
}
