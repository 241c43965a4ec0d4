// Mistakes in the definition of a slice or a wiring, refused when it is defined: by name, and with the cure.
import { CallaError, sliceError } from "../base/errors.ts";
import { isObject } from "../values/kind.ts";
import type { ValueClass } from "../values/known-classes.ts";
import type { EphemeralSlice, ModelSlice, Slice, SlicePresence, TopicSlice } from "../wiring/slice.ts";
import type { Schema, Schemas } from "../wiring/standard.ts";
import { ignorePromise, isSchema } from "../wiring/standard.ts";
import { overlap, parseTopicPattern } from "../wiring/topic-pattern.ts";

type CheckedSlice = TopicSlice | EphemeralSlice;

/** Names that the table of versions could not hold beside the slices' own, or could not hold safely. */
const RESERVED = new Set(["session", "local", "__proto__", "constructor", "prototype"]);

const wiringError = (slice: string, what: string): CallaError => sliceError("wiring", slice, what);

function checkPattern(pattern: string): void {
  parseTopicPattern(pattern);
  if (RESERVED.has(pattern)) throw wiringError(pattern, "this name is reserved; give the topic another one.");
}

const MODEL = ["model", "initial", "messages", "update"];
const SHARED = [...MODEL, "rejections", "version", "migrate"];
/** What a definition of each kind may say. (`created` has its own sentence.) */
const OPTIONS: Readonly<Record<Slice["kind"], readonly string[]>> = {
  topic: [...SHARED, "lifetime", "created", "presence"],
  session: [...SHARED, "created"],
  local: [...MODEL, "created"],
  ephemeral: ["messages", "keep", "presence", "version"],
};

/** An option that does not exist would do nothing, and be believed in. */
function checkOptions({ kind, name }: Slice, definition: object): void {
  const stray = Object.entries(definition).find(
    ([key, given]) => given !== undefined && !OPTIONS[kind].includes(key),
  );
  if (stray === undefined) return;
  throw wiringError(
    name,
    `there is no option "${stray[0]}"; a definition has ${OPTIONS[kind].join(", ")}. Remove it.`,
  );
}

function checkVersion(slice: string, version: unknown): void {
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    throw wiringError(slice, `version must be a whole number from 1, not ${String(version)}.`);
  }
}

/** What has subscribers is written down every eighth of it, so it cannot be very short. */
const SHORTEST_LIFETIME = 60_000;

function checkLifetime(slice: string, lifetime: unknown): void {
  if (lifetime === undefined) return;
  if (!(typeof lifetime === "number" && lifetime >= SHORTEST_LIFETIME && lifetime < Infinity))
    throw wiringError(
      slice,
      `lifetime is a number of milliseconds from ${SHORTEST_LIFETIME}, not ${String(lifetime)}; leave it out and topics stay.`,
    );
}

function checkCreated(slice: string, created: unknown): void {
  if (created === "client") return;
  if (created !== "server") {
    throw wiringError(slice, `created must be "client" or "server", not ${String(created)}.`);
  }
  if (slice === "session" || slice === "local") {
    throw wiringError(slice, `created: "server" is for topics; remove it.`);
  }
}

/** @throws CallaError `wiring`. */
export function checkPresenceSchema(schema: unknown): void {
  if (isSchema(schema)) return;
  throw new CallaError(
    "wiring",
    {},
    `definePresence takes what a member's meta looks like: it ${NOT_A_SCHEMA}`,
  );
}

function checkPresence(slice: string, presence: unknown): void {
  if (presence === undefined || typeof (presence as Partial<SlicePresence> | null)?.["~page"] === "function")
    return;
  const given = isSchema(presence)
    ? "and not the schema itself"
    : `not ${presence === null ? "null" : typeof presence}`;
  throw wiringError(slice, `presence takes definePresence(schema), ${given}; wrap it.`);
}

/** @throws CallaError `wiring`. */
export function checkTopic(slice: TopicSlice, definition: object): void {
  checkPattern(slice.name);
  checkOptions(slice, definition);
  checkLifetime(slice.name, slice.lifetime);
  checkPresence(slice.name, slice.presence);
  checkModelSlice(slice);
}

/** @throws CallaError `wiring`. */
export function checkEphemeral(slice: EphemeralSlice, definition: object): void {
  const { name, version, messages, presence } = slice;
  checkPattern(name);
  checkOptions(slice, definition);
  checkPresence(name, presence);
  checkVersion(name, version);
  checkSchemas(name, "message", messages);
}

/** @throws CallaError `wiring`. */
export function checkLocal(slice: ModelSlice, definition: object): void {
  checkOptions(slice, definition);
  checkModelSlice(slice);
  const stray = Object.keys(slice.messages).find((type) => slice.serverOnly(type));
  if (stray !== undefined) {
    throw wiringError(
      "local",
      `message "${stray}" is serverOnly, but a local slice has no server; give the plain schema.`,
    );
  }
}

/** @throws CallaError `wiring`. */
export function checkSession(slice: ModelSlice, definition: object): void {
  checkOptions(slice, definition);
  checkModelSlice(slice);
}

function checkModelSlice(slice: ModelSlice): void {
  const { name } = slice;
  checkVersion(name, slice.version);
  checkCreated(name, slice.created);
  if (!isSchema(slice.model)) throw wiringError(name, `model ${NOT_A_SCHEMA}`);
  if (typeof slice.initial !== "function") {
    throw wiringError(name, "initial must be a function that gives the first model.");
  }
  checkSchemas(name, "message", slice.messages);
  checkSchemas(name, "rejection", slice.rejections);
  checkUpdates(name, slice.messages, slice.update);
  checkMigrations(name, slice.version, slice.migrate);
}

/** Entries for versions that never were, or for this one, would never run. */
function checkMigrations(slice: string, version: number, migrate: object): void {
  for (const [from, entry] of Object.entries(migrate) as [string, unknown][]) {
    if (!/^[1-9]\d*$/.test(from) || Number(from) >= version) {
      throw wiringError(
        slice,
        `migrate.${from} must be named by an older version than this slice's (${version}); raise version or remove it.`,
      );
    }
    const stray = isObject(entry)
      ? Object.entries(entry).find(
          ([key, what]) => !(key === "model" || key === "message") || typeof what !== "function",
        )
      : ["", ""];
    if (stray !== undefined) {
      throw wiringError(
        slice,
        `migrate.${from} holds functions named "model" and "message", and nothing else.`,
      );
    }
  }
}

const NOT_A_SCHEMA = "must be a Standard Schema, such as z.object({ … }).";

function checkSchemas(slice: string, what: "message" | "rejection", schemas: Schemas): void {
  for (const [key, schema] of Object.entries(schemas)) {
    if (!isSchema(schema)) throw wiringError(slice, `${what} "${key}" ${NOT_A_SCHEMA}`);
    if (what === "message" && requiresType(schema)) {
      throw wiringError(
        slice,
        `message "${key}" has a field named "type", which is the message's own name; rename the field.`,
      );
    }
  }
}

function checkUpdates(slice: string, messages: Schemas, update: object): void {
  for (const type of Object.keys(messages)) {
    const one: unknown = Object.hasOwn(update, type) ? (update as Record<string, unknown>)[type] : undefined;
    if (typeof one !== "function") {
      throw wiringError(slice, `message "${type}" has no update; add a function update.${type}.`);
    }
  }
  for (const type of Object.keys(update)) {
    if (!Object.hasOwn(messages, type)) {
      throw wiringError(slice, `update.${type} belongs to no message; add messages.${type} or remove it.`);
    }
  }
}

/**
 * Standard Schema does not list a schema's fields, so it is shown an empty object: one that misses `type` there has
 * such a field. (An optional `type` is found by the compiler, or when an output has it: apply.ts.)
 */
function requiresType(schema: Schema): boolean {
  try {
    const result = schema["~standard"].validate({});
    if (ignorePromise(result)) return false;
    const first = (result.issues ?? []).map(({ path }) => path?.[0]);
    return first.some((key) => (typeof key === "object" ? key.key : key) === "type");
  } catch {
    return false; // It may well trip over a value without its fields.
  }
}

// ------------------------------------------------------------------------------------------------------- the wiring

/** @throws CallaError `wiring`. */
export function checkWiring(
  session: Slice | undefined,
  topics: readonly CheckedSlice[],
  local: Slice | undefined,
): void {
  checkKind("session", session, ["session"]);
  checkKind("local", local, ["local"]);
  for (const slice of topics) checkKind("topics", slice, ["topic", "ephemeral"]);
  checkOverlaps(topics);
}

function checkKind(
  place: keyof typeof HOW,
  slice: Slice | null | undefined,
  kinds: readonly Slice["kind"][],
): void {
  if (slice === undefined && place !== "topics") return;
  if (slice?.kind !== undefined && kinds.includes(slice.kind)) return;
  const given = slice?.kind === undefined ? "something that is no slice" : `a ${slice.kind} slice`;
  throw new CallaError(
    "wiring",
    { place, slice: slice?.name },
    `defineWiring: "${place}" holds ${given}; ${HOW[place]}.`,
  );
}

const HOW = {
  session: "make it with defineSession",
  local: "make it with defineLocal",
  topics: "make its entries with defineTopic or defineEphemeral",
};

function checkOverlaps(topics: readonly CheckedSlice[]): void {
  topics.forEach((slice, i) => {
    for (const other of topics.slice(0, i)) {
      const patterns = [other.name, slice.name];
      if (other === slice || other.name === slice.name) {
        throw new CallaError(
          "wiring",
          { patterns },
          `defineWiring: topic "${slice.name}" is listed twice; list it once.`,
        );
      }
      if (overlap(other.pattern, slice.pattern)) {
        throw new CallaError(
          "wiring",
          { patterns },
          `defineWiring: topic patterns "${other.name}" and "${slice.name}" overlap: one topic id could belong to both. ` +
            `Begin them with different words. (A "*" at the end stands for all the rest, ":" included.)`,
        );
      }
    }
  });
}

/** @throws CallaError `wiring`: two formats of one name. */
export function checkFormats(formats: readonly { readonly name: string }[]): void {
  const names = formats.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new CallaError("wiring", { names }, `Two formats have one name: ${names.join(", ")}.`);
}

/** @throws CallaError `wiring`: a name or a class is there twice. */
export function checkClasses(classes: readonly ValueClass[]): void {
  const names = classes.map(({ name }) => name);
  const prototypes = new Set(classes.map(({ prototype }) => prototype));
  if (new Set(names).size < names.length || prototypes.size < names.length)
    throw new CallaError("wiring", { names }, `A class or a name is registered twice: ${names.join(", ")}.`);
}
