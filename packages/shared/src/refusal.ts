// Why a walk over a value stopped, and where: thrown at the spot, given its path on the way up, turned into a
// `CallaError` at the top. The common path pays nothing for knowing where it is.
import { CallaError } from "./errors.ts";

type RefusalCode = "invalid-value" | "undecodable" | "hostile-key" | "too-deep";

export class Refusal extends Error {
  readonly code: RefusalCode;
  /** From the value to the spot, e.g. `.cards[3].due`; the entries of a Map are pairs: `[2][1]`. */
  path = "";

  constructor(code: RefusalCode, problem: string) {
    super(problem);
    this.code = code;
  }
}

/** What was thrown below a field or an item, now one level up. A getter or a class's codec may throw anything. */
export function below(step: string | number, thrown: unknown, otherwise: RefusalCode): Refusal {
  const refusal = asRefusal(thrown, otherwise);
  refusal.path = pathStep(step) + refusal.path;
  return refusal;
}

/** The error to leave the walk with. */
export function refused(thrown: unknown, otherwise: RefusalCode): CallaError {
  const { code, path, message } = asRefusal(thrown, otherwise);
  return new CallaError(code, { path, problem: message }, `${path === "" ? "The value" : path} ${message}`);
}

function asRefusal(thrown: unknown, otherwise: RefusalCode): Refusal {
  if (thrown instanceof Refusal) return thrown;
  return new Refusal(otherwise, `threw when it was read: ${describe(thrown)}.`);
}

/** Thrown things are anything, their texts included. */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    return "something without a text";
  }
}

const pathStep = (step: string | number): string =>
  typeof step === "number" ? `[${step}]` : /^[\w$]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
