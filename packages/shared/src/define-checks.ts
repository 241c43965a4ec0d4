// What is wrong with a slice's definition, said when it is defined: by name, and with what to do about it.
import { sliceError } from "./errors.ts";
import type { CallaError } from "./errors.ts";
import { isObject } from "./kind.ts";
import type { ModelSlice } from "./slice.ts";
import type { Schema, Schemas } from "./standard.ts";
import { ignorePromise, isSchema } from "./standard.ts";
import type { TopicPattern } from "./topic-pattern.ts";
import { parseTopicPattern } from "./topic-pattern.ts";

/** Names that the table of versions could not hold beside the slices' own, or could not hold safely. */
const RESERVED = new Set(["session", "local", "__proto__", "constructor", "prototype"]);

export const wiringError = (slice: string, what: string): CallaError => sliceError("wiring", slice, what);

export function topicPattern<const P extends string>(pattern: P): TopicPattern<P> {
  const parsed = parseTopicPattern(pattern);
  if (RESERVED.has(pattern)) throw wiringError(pattern, "this name is reserved; give the topic another one.");
  return parsed;
}

export function checkVersion(slice: string, version: unknown): void {
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    throw wiringError(slice, `version must be a whole number from 1, not ${String(version)}.`);
  }
}

/** What is followed is written down every eighth of it, so it cannot be very short. */
const SHORTEST_LIFETIME = 60_000;

export function checkLifetime(slice: string, lifetime: unknown): void {
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

export function checkModelSlice(slice: Omit<ModelSlice, "kind">): void {
  const { name } = slice;
  checkVersion(name, slice.version);
  checkCreated(name, slice.created);
  if (!isSchema(slice.model)) throw wiringError(name, `model ${NOT_A_SCHEMA}`);
  if (typeof slice.initial !== "function") {
    throw wiringError(name, "initial must be a function that gives the first model.");
  }
  if (slice.presence !== undefined && !isSchema(slice.presence)) {
    throw wiringError(name, `presence ${NOT_A_SCHEMA}`);
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

export function checkSchemas(slice: string, what: "message" | "rejection", schemas: Schemas): void {
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
