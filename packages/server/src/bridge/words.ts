// What a bridged client may say, read from hostile JSON, and how outcomes are told it. Total: what is wrong comes to a
// sentence for its developer.
import { isBytes } from "@calla/shared";
import type { Cursor, ServerFrames, WireOutcome } from "@calla/shared";
import type { Json, JsonObject } from "../channels/wire/message.ts";

/** How a client is told what has changed. */
export type Form = "patch" | "snapshot" | "message";

/** What a join says. */
export interface JoinWords {
  readonly form: Form;
  readonly version: number | undefined;
  readonly cursor: Cursor | undefined;
  readonly settled: number;
  readonly sent: number;
  /** By which it wants to be listed from the beginning; undefined: it does not say. */
  readonly meta: Json | undefined;
}

export interface DispatchWords {
  readonly mid: number;
  readonly id: string;
  readonly settled: number;
  readonly messages: readonly Json[];
}

/** What is wrong with what was said. */
export class Misspoken {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

type Fields = { readonly [name: string]: unknown };

export function joinWords(payload: unknown): JoinWords | Misspoken {
  const fields = fieldsOf(payload);
  if (fields === undefined) return new Misspoken("A join's payload is an object.");
  const { form = "patch", version, cursor, settled = 0 } = fields;
  if (form !== "patch" && form !== "snapshot" && form !== "message")
    return new Misspoken('form is "patch", "snapshot" or "message".');
  if (version !== undefined && !isCount(version)) return new Misspoken("version is a count.");
  const at = cursor === undefined || cursor === null ? undefined : cursorOf(cursor);
  if (at instanceof Misspoken) return at;
  if (!isCount(settled)) return new Misspoken("settled is a count.");
  const { sent = settled + 1 } = fields;
  if (!isCount(sent)) return new Misspoken("sent is a count.");
  return { form, version, cursor: at, settled, sent, meta: fields["meta"] as Json | undefined };
}

export function dispatchWords(payload: unknown): DispatchWords | Misspoken {
  const { mid, id, settled, messages } = fieldsOf(payload) ?? {};
  if (!isCount(mid) || mid === 0) return new Misspoken("mid is a count from 1.");
  if (typeof id !== "string" || !MESSAGE_ID.test(id))
    return new Misspoken("id is a text of 1 to 64 visible ASCII characters.");
  if (!isCount(settled)) return new Misspoken("settled is a count.");
  if (!Array.isArray(messages)) return new Misspoken("messages is a list.");
  return { mid, id, settled, messages: messages as readonly Json[] };
}

/** Of a push on an ephemeral topic. */
export function pushWords(payload: unknown): readonly Json[] | Misspoken {
  const { messages } = fieldsOf(payload) ?? {};
  return Array.isArray(messages) ? (messages as readonly Json[]) : new Misspoken("messages is a list.");
}

/** Who the socket says it is: both, or nobody. */
export function identityIn(
  params: JsonObject,
): { readonly clientId: string; readonly secret: string } | undefined | Misspoken {
  const { client_id: clientId = "", secret = "" } = params;
  if (typeof clientId !== "string" || typeof secret !== "string")
    return new Misspoken("client_id and secret are texts.");
  if ((clientId === "") !== (secret === "")) return new Misspoken("client_id and secret come together.");
  return clientId === "" ? undefined : { clientId, secret };
}

/** What the server says too: ids go into marks and rows. */
const MESSAGE_ID = /^[!-~]{1,64}$/;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value)
    ? (value as Fields)
    : undefined;

function cursorOf(value: unknown): Cursor | Misspoken {
  const { sequence, mark } = fieldsOf(value) ?? {};
  if (isCount(sequence) && isCount(mark)) return { sequence, mark };
  return new Misspoken("cursor is { sequence, mark }, two counts.");
}

/** undefined: it was taken as it was sent. */
export const amended = (messages: readonly unknown[] | undefined): JsonObject =>
  messages === undefined ? {} : { messages: messages as readonly Json[] };

/** An outcome among others. */
export function outcomeOf([mid, id, sequence, messages, from, code, details]: WireOutcome): JsonObject {
  if (from !== null) return { mid, id, status: "error", from, code, details } as JsonObject;
  const amended = messages.length === 0 ? {} : { messages };
  return { mid, id, status: "ok", sequence, ...amended } as unknown as JsonObject;
}

/** Records as the form "message" has them. */
export function recordsOf({
  after,
  at,
  authors,
  records,
}: ServerFrames["TopicUpdate"]): readonly JsonObject[] {
  return records.map(([later, author, , id, messages], i) => {
    const [tag, userId] = authors[author] ?? [null, null];
    return {
      sequence: after + 1 + i,
      at: at + later,
      author: tag,
      user_id: userId,
      id,
      messages: messages as readonly Json[],
    };
  });
}

export const isRefused = (said: unknown): said is Misspoken => said instanceof Misspoken;

/** The largest frame by which a meta is said. */
export const trackOf = (target: string, meta: Json | undefined): object => ({
  type: "Track",
  target,
  number: Number.MAX_SAFE_INTEGER,
  meta,
  watch: true,
});

/** Why something must not be said to the sync half: it would end the conversation, of all topics. */
export const unsayable = (frame: object, maxFrameBytes: number): JsonObject | undefined =>
  unsayableText(JSON.stringify(frame), maxFrameBytes);

/** The same of what is written already. */
export function unsayableText(text: string, maxFrameBytes: number): JsonObject | undefined {
  if (text.includes('"__proto__":')) return { code: "hostile-key", details: { field: "__proto__" } };
  if (Buffer.byteLength(text) > maxFrameBytes) return { code: "too-large", details: { maxFrameBytes } };
  return undefined;
}
