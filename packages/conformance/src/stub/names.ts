// The names of a recorded conversation and those of the client that has it now: topics and refs stand for each other, one for
// one; events, payloads and everything else must be the same.
import type { Json } from "../recording/recording.ts";
import { equals } from "../replay/forms.ts";
import type { Frame } from "../wire/frame.ts";
import { partsOfFrame, type FrameParts } from "./script.ts";

/** How near a frame comes to the recorded one: the same bytes, the same JSON, or the same with other names. */
export type Nearness = 0 | 1 | 2;

/** A frame, and its JSON. */
export interface Said {
  readonly frame: Frame;
  readonly json: Json | undefined;
}

/** Topics that are their own, not examples of a pattern. */
const FIXED = /^(phoenix|system|room:exact.*|watch:term|room:|a:b.*)$/;

export class Names {
  /** Recorded → this client's. */
  readonly #topics: Map<string, string>;
  /** The same, of each connection: they count for themselves. */
  readonly #refs: Map<string, ReadonlyMap<string, string>>;

  constructor(
    topics: ReadonlyMap<string, string> = new Map(),
    refs: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(),
  ) {
    this.#topics = new Map(topics);
    this.#refs = new Map(refs);
  }

  clone(): Names {
    return new Names(this.#topics, this.#refs);
  }

  /** Whether this client's topic stands for one. */
  knows(topic: string): boolean {
    return [...this.#topics.values()].includes(topic);
  }

  /** Whether a frame is the recorded one, under names that fit what was said before; they are kept. */
  match(who: string, recorded: Said, actual: Said): Nearness | undefined {
    const [a, b] = [recorded.frame, actual.frame];
    if (a.opcode !== b.opcode || a.fin !== b.fin || a.rsv !== b.rsv || a.masked !== b.masked)
      return undefined;
    const same = a.payload.equals(b.payload);
    const [must, did] = [recorded.json, actual.json];
    if (must === undefined || did === undefined) return same ? 0 : undefined;
    const [parts, mine] = [partsOfFrame(must), partsOfFrame(did)];
    if (parts === undefined || mine === undefined) return same ? 0 : undefined;
    if (Array.isArray(must) !== Array.isArray(did)) return undefined;
    // A key that is there twice, an element too many: as it was recorded, or not at all.
    if (!same && sizeOf(must) !== sizeOf(did)) return undefined;
    if (!isSame(parts.event, mine.event) || !isSame(parts.payload, mine.payload)) return undefined;
    if (!this.#takes(who, parts, mine)) return undefined;
    if (same) return 0;
    const named =
      parts.topic !== mine.topic || !isSame(parts.ref, mine.ref) || !isSame(parts.joinRef, mine.joinRef);
    return named ? 2 : 1;
  }

  /** What was recorded, under this client's names. */
  said(who: string, json: Json): Json {
    const parts = partsOfFrame(json);
    if (parts === undefined) return json;
    const refs = this.#refs.get(who);
    const ref = (of: Json): Json => (typeof of === "string" ? (refs?.get(of) ?? of) : of);
    if (Array.isArray(json)) {
      const [joinRef = null, own = null, topic = null, event = null, payload = null] =
        json as readonly Json[];
      return [ref(joinRef), ref(own), this.#deep(topic), event, this.#deep(payload)];
    }
    const fields = Object.entries(json as Record<string, Json>);
    return Object.fromEntries(
      fields.map(([key, value]) => [
        key,
        key === "ref" || key === "join_ref" ? ref(value) : key === "event" ? value : this.#deep(value),
      ]),
    );
  }

  #takes(who: string, recorded: FrameParts, actual: FrameParts): boolean {
    const topics = new Map(this.#topics);
    const refs = new Map(this.#refs.get(who));
    const fits =
      stands(topics, recorded.topic, actual.topic, kindOfTopic) &&
      stands(refs, recorded.ref, actual.ref, String) &&
      stands(refs, recorded.joinRef, actual.joinRef, String);
    if (!fits) return false;
    for (const [from, to] of topics) this.#topics.set(from, to);
    this.#refs.set(who, refs);
    return true;
  }

  /** Topics wherever they stand, whole. */
  #deep(json: Json): Json {
    if (typeof json === "string") return this.#topics.get(json) ?? json;
    if (typeof json !== "object" || json === null) return json;
    if (Array.isArray(json)) return json.map((item: Json) => this.#deep(item));
    return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, this.#deep(item as Json)]));
  }
}

/** A topic may stand for one of the same pattern only; any ref for any ref. */
function kindOfTopic(topic: string): string {
  return FIXED.test(topic) ? topic : topic.slice(0, topic.indexOf(":") + 1);
}

function stands(
  known: Map<string, string>,
  recorded: Json,
  actual: Json,
  kind: (name: string) => string,
): boolean {
  if (typeof recorded !== "string" || typeof actual !== "string" || recorded === "" || actual === "") {
    return isSame(recorded, actual);
  }
  const stood = known.get(recorded);
  if (stood !== undefined) return stood === actual;
  if ([...known.values()].includes(actual)) return false;
  if (recorded !== actual && kind !== String && kind(recorded) !== kind(actual)) return false;
  known.set(recorded, actual);
  return true;
}

const NOTHING = new Map<string, string>();
const isSame = (recorded: Json, actual: Json): boolean => equals(recorded, actual, NOTHING);
const sizeOf = (json: Json): number =>
  Array.isArray(json) ? json.length : Object.keys(json as object).length;
