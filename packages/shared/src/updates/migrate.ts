// What an older version of a slice has left behind, in the present one's form: models, and messages that were logged or
// not yet sent. The user's migrations run here only, and never throw out of it. Not here: when it is done (the server's
// open-target.ts, the client's migrate-stored.ts).
import { parseMessage, parseModel } from "./apply.ts";
import { DEV } from "#dev/switch";
import { describe, sliceError } from "../base/errors.ts";
import type { CallaError } from "../base/errors.ts";
import type { CallaRejectionCode } from "../codes/rejection-codes.ts";
import { isObject } from "../values/kind.ts";
import { noModel } from "./run-update.ts";
import type { Dropped, Message, ModelSlice } from "../wiring/slice.ts";
import { ignorePromise, issuesText } from "../wiring/standard.ts";

/** What became of messages of an older version. Refused: what their author is told. */
export type Migrated =
  | { readonly ok: true; readonly messages: readonly Message[] }
  | {
      readonly ok: false;
      readonly code: CallaRejectionCode;
      readonly details: unknown;
      /** The migration or a schema is at fault: for the app to hear. */
      readonly error?: CallaError;
    };

const drop = (reason: string): Dropped => ({ drop: reason });

/**
 * A model of an older version as the present one has it.
 *
 * @throws CallaError `version`: the migration failed, or what it gave is no model of the slice.
 * @example
 * migrateModel(board, { items: ["milk"] }, 1); // { cards: [{ text: "milk" }] }
 */
export function migrateModel(slice: ModelSlice, model: unknown, from: number): unknown {
  const { name, version } = slice;
  const failed = (what: string | false, cause?: unknown): CallaError =>
    sliceError("version", name, DEV && `the model of version ${from} ${what}`, { message: "", cause });
  if (from > version) throw failed(DEV && `is newer than this slice's version ${version}.`);
  let migrated = model;
  try {
    const { [from]: migration } = slice.migrate;
    if (migration?.model) migrated = migration.model(model);
  } catch (error) {
    throw failed(DEV && `could not be migrated: ${describe(error)}`, error);
  }
  const problem = noModel(migrated);
  if (problem !== undefined) throw failed(DEV && `could not be migrated: its migration ${problem}`);
  const parsed = parseModel(slice, migrated);
  if (!parsed.ok)
    throw failed(
      DEV && `is no model of version ${version} after its migration: ${issuesText(parsed.issues)}`,
    );
  return migrated;
}

/**
 * The messages of one dispatch, of an older version, as the present one has them: all, or none where one is dropped.
 * Never throws. `by`: who dispatched them.
 *
 * @example
 * migrateMessages(board, [{ type: "itemAdded", item: "milk" }], 1, "client");
 * // { ok: true, messages: [{ type: "added", text: "milk" }] }
 */
export function migrateMessages(
  slice: ModelSlice,
  messages: readonly unknown[],
  from: number,
  by: "client" | "server",
): Migrated {
  const refuse = (reason: string, error?: CallaError): Migrated => ({
    ok: false,
    code: "version",
    details: { from, version: slice.version, reason },
    ...(error && { error }),
  });
  if (from > slice.version) return refuse("it is of a newer version");
  const { [from]: migration } = slice.migrate;
  const all: Message[] = [];
  for (const old of messages) {
    let migrated = old;
    try {
      if (migration?.message) {
        migrated = migration.message(old as Message, { drop });
        if (isDropped(migrated)) return refuse(migrated.drop);
        if (ignorePromise(migrated)) throw new TypeError("it returned a promise");
      }
    } catch (cause) {
      const type = String((old as Partial<Message> | null)?.type);
      const what =
        DEV && `the message "${type}" of version ${from} could not be migrated: ${describe(cause)}`;
      return refuse(
        "its migration failed",
        sliceError("version", slice.name, what, { message: type, cause }),
      );
    }
    const parsed = parseMessage(slice, migrated, by);
    if (!parsed.ok) return parsed;
    all.push(parsed.message);
  }
  return { ok: true, messages: all };
}

const isDropped = (value: unknown): value is Dropped =>
  isObject(value) && !Object.hasOwn(value, "type") && typeof (value as Partial<Dropped>).drop === "string";
