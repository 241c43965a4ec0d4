// The checks of development and of the testing kit: frozen inputs, every update run twice and compared, its result
// parsed strictly. They find mutation, impurity and typos where they are made, not where replicas later differ.
import { checking } from "#dev/budget";
import type { Budget } from "#dev/budget";
import { sameInOrder, sameValue } from "../values/equal.ts";
import { CallaError, describe, sliceError } from "../base/errors.ts";
import { contents } from "../values/freeze.ts";
import { combine } from "../values/hash.ts";
import { hashValue } from "../values/hash-value.ts";
import { isObject, kindOf, MAX_NESTING } from "../values/kind.ts";
import { withLaterClock } from "../updates/later-clock.ts";
import { runUpdate, threw } from "../updates/run-update.ts";
import type { ContextValues, UpdateStep } from "../updates/run-update.ts";
import type { Message, ModelSlice } from "../wiring/slice.ts";
import { check, issuesText, pathText } from "../wiring/standard.ts";
import type { Schema } from "../wiring/standard.ts";

const PURE =
  "Use only the model, the message and the context (context.at, context.id()): no clock, no chance, nothing from outside.";
const MUTATES = "changes what it was given; return a changed copy instead.";

/**
 * `runUpdate` with the checks, where the budget has room for them; what they find is a refusal of kind "threw" with a
 * CallaError("strict"). Never throws.
 */
export function strictUpdate(
  slice: ModelSlice,
  model: unknown,
  message: Message,
  values: ContextValues,
  idsBefore: number,
  budget: Budget = checking,
): UpdateStep {
  const run = () => runUpdate(slice, model, message, values, idsBefore);
  const checked = budget.within(slice, message.type, (own) =>
    checkedUpdate(slice, model, message, () => own(run)),
  );
  return checked ?? run();
}

function checkedUpdate(
  slice: ModelSlice,
  model: unknown,
  message: Message,
  run: () => UpdateStep,
): UpdateStep {
  const fail = (what: string, cause?: unknown): UpdateStep =>
    threw(slice, message.type, what, cause, "strict");
  try {
    const loose = [freezeAll(model), freezeAll(message)].includes(true);
    const hash = (): number => (loose ? combine(hashValue(model), hashValue(message)) : 0);
    const before = hash();
    const first = run();
    if (hash() !== before) {
      return fail(`${MUTATES} (A Map, Set, Date or Uint8Array inside cannot be frozen.)`);
    }
    if (!first.ok && first.kind === "threw") {
      const { cause } = first.error.details as { cause?: unknown };
      return isMutation(cause) ? fail(`${MUTATES} (${describe(cause)})`, cause) : first;
    }
    const second = withLaterClock(run);
    if (!sameStep(first, second)) {
      const where = first.ok && second.ok ? difference(first.model, second.model) : "";
      return fail(`is not pure: run twice on the same input it gave two results${where}. ${PURE}`);
    }
    // The same model again: checked when it was made.
    if (!first.ok || first.model === model) return first;
    const problem = modelProblem(slice, first.model);
    if (problem !== undefined) return fail(`returned a wrong model: ${problem}`);
    freezeAll(first.model);
    return first;
  } catch (error) {
    return fail(`could not be checked: ${describe(error)}`, error); // A cycle, or nested too deeply.
  }
}

/** Of each array and plain object that was frozen here: whether something inside cannot be. */
const known = new WeakMap<object, boolean>();

/** Freezes as `deepFreeze`, also inside of what somebody else has frozen. Whether something inside cannot be frozen. */
function freezeAll(value: unknown, depth = 0): boolean {
  if (!isObject(value)) return false;
  const before = known.get(value);
  if (before !== undefined) return before;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  const kind = kindOf(value);
  let loose = kind !== "array" && kind !== "object";
  // Known before what is inside, so that a cycle ends.
  if (!loose) known.set(Object.freeze(value), false);
  for (const inside of contents(kind, value)) if (freezeAll(inside, depth + 1)) loose = true;
  if (loose && (kind === "array" || kind === "object")) known.set(value, true);
  return loose;
}

/** Throws CallaError("strict") for an `initial` that is impure or does not fit the model's schema. */
export function checkInitial(slice: ModelSlice, model: unknown): void {
  const fail = (what: string) => sliceError("strict", slice.name, `initial() ${what}`);
  const again = withLaterClock(() => slice.initial());
  if (!sameInOrder(model, again)) {
    throw fail(
      `is not pure: called twice it gave two models${difference(model, again)}. Every replica begins with its own call.`,
    );
  }
  const problem = modelProblem(slice, model);
  if (problem !== undefined) throw fail(`returned a wrong model: ${problem}`);
  freezeAll(model);
}

/** What a message schema does to its own output, if anything: such a schema converts. */
export function conversion(schema: Schema, output: unknown): string | undefined {
  const again = check(schema, output);
  if (again.ok && sameValue(again.value, output)) return undefined;
  const what = again.ok
    ? `changes it again${difference(output, again.value)}`
    : `refuses it: ${issuesText(again.issues)}`;
  return `converts: given its own output, it ${what}. Schemas describe; convert before dispatch.`;
}

function modelProblem(slice: ModelSlice, model: unknown): string | undefined {
  try {
    const checked = check(slice.model, model);
    if (!checked.ok) return `${issuesText(checked.issues)}.`;
    if (sameValue(checked.value, model)) return undefined;
    return `the model's schema gives something else back${difference(model, checked.value)}. A field it does not know, or a schema that converts?`;
  } catch (error) {
    return `its schema threw: ${describe(error)}`;
  }
}

function sameStep(a: UpdateStep, b: UpdateStep): boolean {
  if (a.ok) return b.ok && a.ids === b.ids && sameInOrder(a.model, b.model);
  if (b.ok || a.kind === "threw" || b.kind === "threw") return false;
  return a.code === b.code && sameValue(a.details, b.details);
}

/** What engines say when something frozen is changed: V8, SpiderMonkey and JavaScriptCore in turn. */
const isMutation = (error: unknown): boolean =>
  isObject(error) &&
  (error as Error).name === "TypeError" &&
  /read.?only|not extensible|cannot delete|can't (be deleted|define)|unable to delete|frozen/i.test(
    (error as Error).message,
  );

/** " (first at cards[0].text)", or nothing where no place can be named. */
function difference(a: unknown, b: unknown): string {
  const path = firstDifference(a, b, []);
  return path === undefined || path.length === 0 ? "" : ` (first at ${pathText(path)})`;
}

type Path = readonly (string | number)[];

function firstDifference(a: unknown, b: unknown, path: Path): Path | undefined {
  if (sameValue(a, b)) return undefined;
  if (!isTree(a) || !isTree(b) || Array.isArray(a) !== Array.isArray(b)) return path;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const here = [...path, Array.isArray(a) ? Number(key) : key];
    if (Object.hasOwn(a, key) !== Object.hasOwn(b, key)) return here;
    const found = firstDifference(a[key], b[key], here);
    if (found !== undefined) return found;
  }
  return path;
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && (Array.isArray(value) || kindOf(value) === "object");
