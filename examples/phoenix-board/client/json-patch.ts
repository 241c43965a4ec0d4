// JSON Patch (RFC 6902), as far as a server of Calla's says it: add, remove, replace, move. What is given stays as it is:
// what lies on the way is copied, and the rest shared.
export type Operation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move"; readonly from: string; readonly path: string };
export type Patch = readonly Operation[];
type Parent = Record<string, unknown>;

/** Undefined: an operation names a place that is not there, and nothing is done. */
export function applyPatch<Model>(model: Model, patch: Patch): Model | undefined {
  try {
    return patch.reduce<unknown>(applied, model) as Model;
  } catch {
    return undefined;
  }
}

function applied(model: unknown, operation: Operation): unknown {
  const path = stepsOf(operation.path);
  if (operation.op === "remove") return changed(model, path, "remove");
  if (operation.op !== "move") return changed(model, path, operation.op, operation.value);
  const from = stepsOf(operation.from);
  const moved = from.reduce((value, step) => (value as Parent)[step], model);
  return changed(changed(model, from, "remove"), path, "add", moved);
}

const stepsOf = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

function changed(value: unknown, path: readonly string[], op: Operation["op"], put?: unknown): unknown {
  const [step, ...below] = path;
  if (step === undefined || typeof value !== "object" || value === null) throw new Error("no such place");
  const list = Array.isArray(value) ? [...(value as unknown[])] : undefined;
  const copy = (list ?? { ...value }) as Parent;
  const atEnd = list && (step === "-" || step === String(list.length));
  const isNew = op === "add" && below.length === 0 && (!list || atEnd);
  if (!isNew && !Object.prototype.propertyIsEnumerable.call(value, step)) throw new Error("no such place");
  if (below.length > 0) copy[step] = changed(copy[step], below, op, put);
  else if (list && op === "add") list.splice(atEnd ? list.length : Number(step), 0, put);
  else if (list && op === "remove") list.splice(Number(step), 1);
  else if (op === "remove") delete copy[step];
  else copy[step] = put;
  return copy;
}
