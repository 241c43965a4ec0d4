// Why a walk over a value stopped, and where. The walks are those of the value domain (walk.ts), of what JSON has by itself
// (json-values.ts), and a server's over models.
import { told } from "#dev/describe";
import { DEV } from "#dev/switch";
import { CallaError } from "../base/errors.ts";

export type RefusalCode = "invalid-value" | "undecodable" | "hostile-key" | "too-deep";

/** Thrown at the spot, given its path on the way up. Knowing where it is costs the walk nothing. */
export class WalkRefusal {
  /** The rest of a sentence; false where those are left out. */
  readonly problem: string | false;
  readonly code: RefusalCode;
  /** From the value to the spot, e.g. `.cards[3].due`; the entries of a Map are pairs: `[2][1]`. */
  path = "";

  constructor(problem: string | false, code: RefusalCode = "undecodable") {
    this.problem = problem;
    this.code = code;
  }
}

/**
 * What was thrown below a field or an item, now one level up.
 *
 * @example
 * try { walk(value[key]) } catch (thrown) { throw below(key, thrown) }
 */
export function below(key: string | number, thrown: unknown): WalkRefusal {
  const refusal = asRefusal(thrown);
  const own = typeof key === "string" && /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  refusal.path = own + refusal.path;
  return refusal;
}

/** A getter or a class's codec may throw anything. */
const asRefusal = (thrown: unknown): WalkRefusal =>
  thrown instanceof WalkRefusal ? thrown : new WalkRefusal(DEV && `threw when it was read: ${told(thrown)}.`);

/** What stopped a walk, as an error: of its own code, unless there is only one `code`. */
export function refusalError(thrown: unknown, code?: RefusalCode): CallaError {
  const { path, problem, code: own } = asRefusal(thrown);
  return new CallaError(code ?? own, { path, problem }, DEV && `${path || "The value"} ${problem}`);
}

export const tooDeep = (maxDepth: number): WalkRefusal =>
  new WalkRefusal(DEV && `is nested in more than ${maxDepth} levels or holds itself.`, "too-deep");

/** Names by which a careless reader reaches a prototype. */
export const isHostile = (key: string): boolean =>
  key === "__proto__" || key === "constructor" || key === "prototype";

export const hostile = (key: string): WalkRefusal =>
  new WalkRefusal(DEV && `is named ${key}, which could reach a prototype.`, "hostile-key");
