// Stands for dev/topic-problem.ts where the condition "production" holds: pattern and parameters say it.
import type * as Development from "../dev/topic-problem.ts";

export const topicProblem: typeof Development.topicProblem = () => false;
