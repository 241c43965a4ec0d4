// A schema's complaints, plain enough for the wire and no more of them than a peer needs.
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** One complaint of a schema, plain enough for the wire. */
export interface Issue {
  readonly message: string;
  readonly path: readonly (string | number)[];
}

/** A refusal goes back to a peer who may have sent a value with a million mistakes: it hears of the first few. */
const MAX_ISSUES = 8;
const MAX_TEXT = 300;
const MAX_PATH = 32;

export const plainIssues = (issues: readonly StandardSchemaV1.Issue[]): readonly Issue[] =>
  issues.slice(0, MAX_ISSUES).map(plain);

const plain = ({ message, path = [] }: StandardSchemaV1.Issue): Issue => ({
  message: short(message),
  path: path.slice(0, MAX_PATH).map((segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? key : short(String(key));
  }),
});

const short = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
