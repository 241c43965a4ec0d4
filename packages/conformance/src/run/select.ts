// Which checks a run is about.
import type { Check, Over } from "../checks/check.ts";

/** What was asked for is no check's id, nor a beginning of one. */
export class UnknownCheck extends Error {
  override readonly name = "UnknownCheck";
}

/** `only`: ids, and letters with which ids begin; none means all. */
export function selected(checks: readonly Check[], only: readonly string[], over?: Over): Check[] {
  const asked = only.map((word) => word.trim()).filter((word) => word !== "");
  const is = (word: string, { id }: Check): boolean =>
    (/^[a-z]+$/i.test(word) ? id.replace(/\d.*$/, "") : id).toLowerCase() === word.toLowerCase();
  for (const word of asked) {
    if (checks.some((check) => is(word, check))) continue;
    const sections = [...new Set(checks.map(({ id }) => id.replace(/\d.*$/, "")))].join(", ");
    throw new UnknownCheck(`No check is called ${word}. The sections are ${sections}; ids are like LP4.`);
  }
  return checks.filter(
    (check) =>
      (asked.length === 0 || asked.some((word) => is(word, check))) &&
      (over === undefined || check.over.includes(over)),
  );
}
