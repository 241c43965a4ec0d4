// Who is present, as a client keeps it: from a state and from diffs, those that come before the state behind it. It is what
// phoenix.js' `Presence` does, by `phx_ref`; a list is compared whatever the order of its metas, which an update may change there.
import type { Json } from "../recording/recording.ts";

type Fields = Readonly<Record<string, Json>>;
type Metas = ReadonlyMap<string, Fields>;

const isFields = (json: Json | undefined): json is Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json);

export class PresenceList {
  /** By key, then by `phx_ref`. Undefined: no state has come. */
  #keys: Map<string, Metas> | undefined;
  #early: Fields[] = [];

  /** A state takes the place of what was there. */
  state(state: Json): void {
    this.#keys = new Map();
    this.#join(state);
    for (const diff of this.#early.splice(0)) this.diff(diff);
  }

  diff(diff: Json): void {
    if (!isFields(diff)) throw new Error(`A diff is an object: ${JSON.stringify(diff)}`);
    if (this.#keys === undefined) return void this.#early.push(diff);
    this.#join(diff["joins"]);
    for (const [key, metas] of entriesOf(diff["leaves"])) {
      const left = new Map([...(this.#keys.get(key) ?? [])].filter(([ref]) => !metas.has(ref)));
      if (left.size > 0) this.#keys.set(key, left);
      else this.#keys.delete(key);
    }
  }

  /** One text for one list, whatever the order of its keys and metas. */
  get shown(): string {
    const keys = [...(this.#keys ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(keys.map(([key, metas]) => [key, [...metas.values()].map(sorted).toSorted()]));
  }

  #join(joins: Json | undefined): void {
    for (const [key, metas] of entriesOf(joins)) {
      this.#keys?.set(key, new Map([...(this.#keys.get(key) ?? []), ...metas]));
    }
  }
}

/** What a server lists, compared with it. */
export function shownState(state: Json): string {
  const list = new PresenceList();
  list.state(state);
  return list.shown;
}

/** The metas of each key, by their refs. */
function entriesOf(presences: Json | undefined): [string, Metas][] {
  if (!isFields(presences)) throw new Error(`No presences: ${JSON.stringify(presences)}`);
  return Object.entries(presences).map(([key, presence]) => {
    const metas = isFields(presence) ? presence["metas"] : undefined;
    if (!Array.isArray(metas)) throw new Error(`No metas: ${JSON.stringify(presence)}`);
    return [key, new Map(metas.map((meta: Json) => [refOf(meta), meta as Fields]))];
  });
}

function refOf(meta: Json): string {
  const ref = isFields(meta) ? meta["phx_ref"] : undefined;
  if (typeof ref !== "string" || ref === "")
    throw new Error(`A meta without phx_ref: ${JSON.stringify(meta)}`);
  return ref;
}

const sorted = (meta: Fields): string =>
  JSON.stringify(Object.fromEntries(Object.entries(meta).toSorted(([a], [b]) => (a < b ? -1 : 1))));
