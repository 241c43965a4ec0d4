// Forms in the strings of a recording: what differs from run to run is written `{{name}}`, and matched by its form.
import type { Json } from "../recording/recording.ts";

/** What the names of this run stand for: the server's host, tokens by their number. */
export type Known = Map<string, string>;

const FORM = /\{\{([^{}]+)\}\}/;
const shapes: Readonly<Record<string, string>> = {
  any: "[^]*",
  number: "\\d+",
  key: "[A-Za-z0-9+/]{22}==",
  token: "[\\w.~+/=-]{16,}",
  // Opaque, so whatever it is.
  ref: "[^]+",
};

/** A text that is sent: `{{host}}`, `{{token:1}}`, `{{tampered:1}}` (its last characters changed), `{{y*1000}}` (repeated). */
export function fill(text: string, known: Known): string {
  return text.replaceAll(/\{\{([^{}]+)\}\}/g, (_, form: string) => {
    const repeated = /^(.)\*(\d+)$/.exec(form);
    if (repeated !== null) return (repeated[1] ?? "").repeat(Number(repeated[2]));
    const [name, number] = form.split(":");
    const value = known.get(name === "tampered" ? `token:${number}` : form);
    if (value === undefined) throw new Error(`Nothing is known as ${form}.`);
    return name === "tampered" ? `${value.slice(0, -2)}${value.endsWith("xx") ? "yy" : "xx"}` : value;
  });
}

/** Whether a text is of a form. What has a number is known once it has been met, and no two numbers are the same. */
function matches(form: string, text: string, known: Known): boolean {
  const parts = form.split(FORM);
  // Every second part is a form's name.
  const names = parts.filter((_, i) => i % 2 === 1);
  const pattern = parts
    .map((part, i) => (i % 2 === 0 ? escaped(part) : `(${patternOf(part, known)})`))
    .join("");
  const found = new RegExp(`^${pattern}$`).exec(text);
  if (found === null) return false;
  for (const [i, name] of names.entries()) {
    if (!name.includes(":") || known.has(name)) continue;
    if ([...known.values()].includes(found[i + 1] ?? "")) return false;
    known.set(name, found[i + 1] ?? "");
  }
  return true;
}

function patternOf(form: string, known: Known): string {
  const value = known.get(form);
  if (value !== undefined) return escaped(value);
  const shape = shapes[form.split(":")[0] ?? ""];
  if (shape === undefined) throw new Error(`No form is called ${form}.`);
  return shape;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Whether parsed JSON equals what is expected, the order of keys apart. */
export function equals(expected: Json, actual: unknown, known: Known): boolean {
  if (typeof expected === "string") {
    return (
      typeof actual === "string" &&
      (FORM.test(expected) ? matches(expected, actual, known) : expected === actual)
    );
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, i) => equals(item, actual[i], known))
    );
  }
  if (typeof expected !== "object" || expected === null) return Object.is(expected, actual);
  if (typeof actual !== "object" || actual === null || Array.isArray(actual)) return false;
  const entries = new Map(Object.entries(actual));
  return (
    Object.keys(expected).length === entries.size &&
    Object.entries(expected).every(([key, item]) => entries.has(key) && equals(item, entries.get(key), known))
  );
}
