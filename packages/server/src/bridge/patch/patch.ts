// The JSON Patch (RFC 6902) from one model to the next, both in the plain form of the wire. Pure; neither is changed, and
// what the operations carry are parts of the second. Not here: who wants one, and what he is sent instead.
import { Budget, OPERATION_LOOKS, OverBudget } from "./budget.ts";
import { equal, idOfEntry, idOfItem, isObject } from "./identity.ts";
import type { IdOf } from "./identity.ts";
import { listSteps } from "./list-steps.ts";
import { matchItems } from "./match-items.ts";
import type { Items } from "./match-items.ts";
import { Measure, scalarBytes } from "./measure.ts";
import { below, isShunned, moveBytes, removeBytes, valuedBytes } from "./operations.ts";
import type { Operation } from "./operations.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a patch may cost. */
export interface PatchBudget {
  /**
   * Values that may be looked at, over both models; longer texts and what is put into a table count for more. 100,000 by
   * default: about 5 ms.
   */
  readonly maxLooks?: number;
  /**
   * Of the bytes that the model has as JSON: so large a share a patch may have. A half by default; above 1, a patch may
   * replace the whole.
   */
  readonly maxShare?: number;
}

export type PatchResult =
  | {
      readonly ok: true;
      /** To be applied in this order; `{ patch }` is the payload of a push. */
      readonly patch: readonly Operation[];
      /** Of the patch as JSON. */
      readonly bytes: number;
      readonly looks: number;
    }
  | {
      readonly ok: false;
      /** Too costly: more values were to be looked at than the budget allows, or it has more bytes than its share. */
      readonly reason: "values" | "bytes";
      readonly looks: number;
    };

/**
 * The operations that make `after` of `before`, in bytes and values no more than the budget allows. What both share by
 * reference is not looked into.
 *
 * @example
 * const result = patchOf({ cards: [a, b], … }, { cards: [c, a, b], … });
 * if (result.ok) result.patch; // [{ op: "add", path: "/cards/0", value: c }]
 */
export function patchOf(
  before: unknown,
  after: unknown,
  { maxLooks = 100_000, maxShare = 0.5 }: PatchBudget = {},
): PatchResult {
  const budget = new Budget(maxLooks);
  const differences = new Differences(after, maxShare, budget);
  try {
    differences.find(before);
    const { operations, bytes } = differences;
    return { ok: true, patch: operations, bytes, looks: budget.looks };
  } catch (thrown) {
    const { looks } = budget;
    if (thrown instanceof OverBudget) return { ok: false, reason: "values", looks };
    if (thrown instanceof OverShare) return { ok: false, reason: "bytes", looks };
    throw thrown;
  }
}

/**
 * The same, computed when it is first asked for, and once however often it is.
 *
 * @example
 * const patch = patchOnce(before, after);
 * for (const one of whoWantPatches) send(one, patch());
 */
export function patchOnce(before: unknown, after: unknown, budget?: PatchBudget): () => PatchResult {
  let result: PatchResult | undefined;
  return () => (result ??= patchOf(before, after, budget));
}

/** The patch has more bytes than its share. */
class OverShare extends Error {
  override readonly name = "OverShare";
}

/** A part of the model, and what the patch was before anything was said of it. */
interface Part {
  readonly path: string;
  readonly after: object;
  readonly operations: number;
  readonly bytes: number;
  readonly measure: Measure;
}

class Differences {
  readonly operations: Operation[] = [];
  /** Of the operations, and what stands behind each: a comma or the end. */
  #written = 0;
  readonly #after: unknown;
  readonly #whole: Measure;
  readonly #maxShare: number;
  readonly #budget: Budget;

  constructor(after: unknown, maxShare: number, budget: Budget) {
    this.#after = after;
    this.#whole = new Measure(after, budget);
    this.#maxShare = maxShare;
    this.#budget = budget;
  }

  get bytes(): number {
    return Math.max(2, 1 + this.#written);
  }

  find(before: unknown): void {
    this.#compare(before, this.#after, "", 0, idOfItem);
  }

  #compare(before: unknown, after: unknown, path: string, depth: number, idOf: IdOf): void {
    if (Object.is(before, after)) return;
    this.#budget.look(1);
    const alike = isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after);
    if (!alike) return this.#say({ op: "replace", path, value: after });
    this.#budget.descend(depth);
    const part: Part = {
      path,
      after,
      operations: this.operations.length,
      bytes: this.#written,
      measure: new Measure(after, this.#budget),
    };
    if (Array.isArray(before)) this.#compareItems(before, after as Items, part, depth, idOf);
    else this.#compareFields(before as Fields, after as Fields, part, depth);
  }

  #compareFields(before: Fields, after: Fields, part: Part, depth: number): void {
    const [olds, names] = [this.#budget.namesOf(before), this.#budget.namesOf(after)];
    const idOf = after["$"] === "map" || after["$"] === "object" ? idOfEntry : idOfItem;
    let inStep = olds.length === names.length;
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!;
      const own = olds[at] === name;
      inStep &&= own;
      const old = own || Object.hasOwn(before, name) ? before[name] : undefined;
      const field = after[name];
      if (Object.is(old, field)) continue;
      if (isShunned(name)) {
        if (equal(old, field, this.#budget)) continue;
        return this.#replace(part);
      }
      const path = below(part.path, name);
      if (field === undefined) this.#say({ op: "remove", path });
      else if (old === undefined) this.#say({ op: "add", path, value: field });
      else this.#compare(old, field, path, depth + 1, idOf);
      if (this.#isShorterWhole(part)) return this.#replace(part);
    }
    if (inStep) return;
    for (const name of olds) {
      if (before[name] === undefined || Object.hasOwn(after, name)) continue;
      if (isShunned(name)) return this.#replace(part);
      this.#say({ op: "remove", path: below(part.path, name) });
      if (this.#isShorterWhole(part)) return this.#replace(part);
    }
  }

  /** First who stands where, then what has changed in those that were there before. */
  #compareItems(before: Items, after: Items, part: Part, depth: number, idOf: IdOf): void {
    const { path } = part;
    const matched = matchItems(before, after, idOf, this.#budget);
    for (const step of listSteps(matched)) {
      const at = `${path}/${step.at}`;
      if (step.op === "move") this.#say({ op: "move", from: `${path}/${step.from}`, path: at });
      else if (step.op === "remove") this.#say({ op: "remove", path: at });
      else this.#say({ op: "add", path: at, value: after[step.item] });
      if (this.#isShorterWhole(part)) return this.#replace(part);
    }
    for (const [i, j] of matched.edits) {
      this.#compare(before[i], after[j], `${path}/${j}`, depth + 1, idOfItem);
      if (this.#isShorterWhole(part)) return this.#replace(part);
    }
  }

  #say(operation: Operation): void {
    this.#budget.look(OPERATION_LOOKS);
    this.operations.push(operation);
    this.#written += 1 + this.#bytesOf(operation);
    // `atLeast` is given what the model must have for this patch to be within its share.
    if (!this.#whole.atLeast(Math.ceil(this.bytes / this.#maxShare))) throw new OverShare();
  }

  #bytesOf(operation: Operation): number {
    switch (operation.op) {
      case "remove":
        return removeBytes(operation.path);
      case "move":
        return moveBytes(operation.from, operation.path);
      default:
        return valuedBytes(operation.op, operation.path) + this.#bytesOfValue(operation.value);
    }
  }

  #bytesOfValue(value: unknown): number {
    return isObject(value) ? new Measure(value, this.#budget).all() : scalarBytes(value, this.#budget);
  }

  /** Whether a part is said in fewer bytes as a whole than by what has been said of it. One operation never is more. */
  #isShorterWhole({ operations, bytes, path, measure }: Part): boolean {
    if (this.operations.length < operations + 2) return false;
    return !measure.atLeast(this.#written - bytes - 1 - valuedBytes("replace", path));
  }

  #replace({ path, after, operations, bytes }: Part): void {
    this.operations.length = operations;
    this.#written = bytes;
    this.#say({ op: "replace", path, value: after });
  }
}
