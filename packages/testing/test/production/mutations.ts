// Server frames with a mistake in them: each mutation changes one thing in a packet that was right.

/** A seeded chance. */
export class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
  below(count: number): number {
    return this.uint32() % count;
  }
  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

export type Frame = { readonly type: string } & { readonly [field: string]: unknown };

/** A place in the packet. */
interface Spot {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}
type Mutation = (spot: Spot, chance: Chance, packet: unknown) => void;

/** Texts that mean something somewhere. */
const TEXTS = [
  "list:1",
  "list:2",
  "@",
  "cursors",
  "list:3",
  "other:1",
  "",
  "app",
  "calla",
  "snapshot",
  "current",
  "records",
  "mid-conflict",
  "cancelled",
  "client-expired",
  "gap",
  "created",
  "missing",
  "version",
  "too-large",
  "other-history",
  "constructor",
  "__proto__",
  "c1",
  "c2",
  "\u2028",
];
const TYPES = [
  "Connected",
  "Acknowledge",
  "Rejected",
  "Paused",
  "Settled",
  "TopicUpdate",
  "Push",
  "Snapshot",
  "Version",
  "Unsubscribed",
  "Expiring",
  "Pong",
  "Closing",
  "Hello",
  "Pongo",
  "constructor",
  "toString",
];
const OTHERS = [null, true, false, 0, 1, -1, 1.5, "", "5", "x", [], {}, [[]], [1], { length: 1 }, { a: 1 }];
const HUGE = [2 ** 53 - 1, 2 ** 53, 2 ** 63, 1e308, 4_294_967_295, 2 ** 31];
const ODD = [Number.NaN, Infinity, -Infinity, -0, "NaN", null];

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !isList(value);
const own = (object: object, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
/** A tenth of the time of `structuredClone`. */
const copyOf = (value: unknown): unknown => {
  if (isList(value)) return value.map(copyOf);
  if (!isObject(value) || value instanceof Uint8Array) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key]);
  return copy;
};
const drop = ({ parent, key }: Spot): void => {
  if (isList(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
};
const put =
  (make: (chance: Chance, before: unknown, packet: unknown) => unknown): Mutation =>
  ({ parent, key }, chance, packet) =>
    void own(parent, key, make(chance, parent[key], packet));
const onList =
  (change: (list: unknown[], chance: Chance) => void): Mutation =>
  (spot, chance) => {
    let { parent: at } = spot as { parent: unknown };
    const value = spot.parent[spot.key];
    if (isList(value)) at = value;
    if (isList(at)) change(at, chance);
    else own(spot.parent, spot.key, [value, value]);
  };
const onObject =
  (change: (object: Record<string, unknown>, chance: Chance, key: string) => void): Mutation =>
  ({ parent, key }, chance) => {
    const value = parent[key];
    change(isObject(value) ? value : parent, chance, key);
  };

const MUTATIONS = {
  dropped: drop,
  renamed: (spot) => {
    const value = spot.parent[spot.key];
    drop(spot);
    own(spot.parent, `${spot.key}_`, value);
  },
  "without a field": (_spot, chance, packet) => {
    const frame = frameOf(packet, chance);
    delete frame[chance.of(Object.keys(frame))];
  },
  "one field more": onObject((object, chance) =>
    own(object, chance.of(["extra", "model", "chunk", "code"]), chance.of(OTHERS)),
  ),
  "another type": put((chance) => chance.of(OTHERS)),
  negative: put((chance, before) =>
    typeof before === "number" && before > 0 ? -before : -1 - chance.below(9),
  ),
  fraction: put((_chance, before) => (typeof before === "number" ? before + 0.5 : 0.1)),
  huge: put((chance) => chance.of(HUGE)),
  "no number": put((chance) => chance.of(ODD)),
  near: put((chance, before) => (typeof before === "number" ? before + (chance.below(2) ? 1 : -1) : 1)),
  "a number's text": put((_chance, before) => (typeof before === "number" ? String(before) : "7")),
  "another text": put((chance) => chance.of(TEXTS)),
  flag: put((chance, before) => (typeof before === "boolean" ? !before : chance.below(2) === 0)),
  "one item more": onList((list, chance) => list.push(chance.of([...OTHERS, list[0]]))),
  "one item less": onList((list) => void list.pop()),
  "an item twice": onList((list) => void list.push(...list.slice(-1))),
  "items moved": onList((list) => void list.push(...list.splice(0, 1))),
  emptied: put((_, before) => (isList(before) ? [] : isObject(before) ? {} : "")),
  nested: put((chance, _, packet) => copyOf(spotIn(packet, chance).parent)),
  wrapped: put((_, before) => [before]),
  "an object for a list": put((_, before) => (isList(before) ? { ...before } : { 0: before })),
  "a list for an object": put((_, before) => (isObject(before) ? Object.values(before) : [before, before])),
  "a prototype": onObject((object, chance) =>
    own(object, "__proto__", chance.of([null, { type: "Pong" }, { sequence: 1 }, []])),
  ),
  "a hostile name": onObject((object, chance) =>
    own(object, chance.of(["constructor", "prototype", "toString", "then"]), chance.of(OTHERS)),
  ),
  deep: put((chance, before) => {
    let value = before;
    for (let i = 40 + chance.below(400); i > 0; i--) value = i % 2 ? [value] : { a: value };
    return value;
  }),
  tagged: put((chance, before) => ({
    $: chance.of(["set", "map", "date", "bytes", "object", "undefined", "bigint", "nothing"]),
    v: before,
  })),
  "fields exchanged": (_spot, chance, packet) => {
    const frame = frameOf(packet, chance);
    const [a, b] = [chance.of(Object.keys(frame)), chance.of(Object.keys(frame))];
    [frame[a], frame[b]] = [frame[b], frame[a]];
  },
  "another frame's name": (_, chance, packet) => void own(frameOf(packet, chance), "type", chance.of(TYPES)),
} satisfies Readonly<Record<string, Mutation>>;

/** Of the packet, and of its bytes. */
const OF_PACKETS = [
  "frames doubled",
  "frames turned round",
  "a packet in a packet",
  "no frame",
  "no packet",
] as const;
const OF_BYTES = ["cut off", "a byte changed", "a field twice"] as const;

export type Kind = keyof typeof MUTATIONS | (typeof OF_PACKETS)[number] | (typeof OF_BYTES)[number];
export const KINDS: readonly Kind[] = [...(Object.keys(MUTATIONS) as Kind[]), ...OF_PACKETS, ...OF_BYTES];

const frameOf = (packet: unknown, chance: Chance): Record<string, unknown> =>
  (isList(packet) ? chance.of(packet) : packet) as Record<string, unknown>;

/** A place anywhere in one of its frames, more often near the top. */
function spotIn(packet: unknown, chance: Chance): Spot {
  let parent = frameOf(packet, chance);
  for (;;) {
    const key = chance.of(Object.keys(parent));
    const value = parent[key];
    const goesOn = isList(value) || (isObject(value) && !(value instanceof Uint8Array));
    if (!goesOn || chance.below(4) === 0 || Object.keys(value).length === 0) return { parent, key };
    parent = value as Record<string, unknown>;
  }
}

/** A number's place, if there is one among the first looks. */
function numberIn(packet: unknown, chance: Chance): Spot {
  let spot = spotIn(packet, chance);
  for (let i = 0; i < 8 && typeof spot.parent[spot.key] !== "number"; i++) spot = spotIn(packet, chance);
  return spot;
}
const NUMERIC: ReadonlySet<string> = new Set([
  "negative",
  "fraction",
  "huge",
  "no number",
  "near",
  "a number's text",
]);

/** What is sent in place of these frames, and what is wrong with it. */
export function mutated(
  frames: readonly Frame[],
  chance: Chance,
  encode: (value: unknown) => string | Uint8Array,
): { readonly kind: Kind; readonly data: string | Uint8Array } {
  const kind = chance.of(KINDS);
  const copy = copyOf(frames) as Frame[];
  const packet: unknown = copy.length === 1 && chance.below(2) ? copy[0] : copy;
  switch (kind) {
    case "frames doubled":
      return { kind, data: encode([...copy, ...copy]) };
    case "frames turned round":
      return { kind, data: encode([...copy.toReversed(), ...(copy.length > 1 ? [] : [{ type: "Pong" }])]) };
    case "a packet in a packet":
      return { kind, data: encode([copy]) };
    case "no frame":
      return { kind, data: encode([...copy, chance.of(OTHERS)]) };
    case "no packet":
      return { kind, data: encode(chance.of(OTHERS)) };
    case "cut off":
    case "a byte changed":
    case "a field twice":
      return { kind, data: broken(kind, encode(packet), chance) };
    default:
      MUTATIONS[kind](NUMERIC.has(kind) ? numberIn(packet, chance) : spotIn(packet, chance), chance, packet);
      return { kind, data: encode(packet) };
  }
}

function broken(
  kind: (typeof OF_BYTES)[number],
  data: string | Uint8Array,
  chance: Chance,
): string | Uint8Array {
  const at = chance.below(data.length);
  if (kind === "cut off") return data.slice(0, at);
  if (typeof data !== "string") {
    const bytes = data.slice();
    bytes[at] = chance.below(256);
    return bytes;
  }
  if (kind === "a byte changed")
    return data.slice(0, at) + chance.of([...'"{}[],:0159-.eE tfn\\_']) + data.slice(at + 1);
  const fields = [...data.matchAll(/"(\w+)":/g)];
  const { index = 0, 1: name } = chance.of(fields.length > 0 ? fields : [{ index: 0, 1: "type" } as never]);
  return `${data.slice(0, index)}"${name}":${JSON.stringify(chance.of(OTHERS))},${data.slice(index)}`;
}
