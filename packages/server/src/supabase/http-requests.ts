// What an HTTP request of a supabase client asks for: the forms of its paths and bodies. Not here: who may (http.ts).
import { isBytes } from "@calla/shared";
import type { Json, JsonObject } from "../channels/wire/message.ts";
import { flagOf } from "./join-config.ts";
import { topicProblem } from "./topics.ts";

/** Something to be broadcast. */
export interface Message {
  readonly topic: string;
  readonly event: string;
  readonly payload: Json | Uint8Array;
  readonly isPrivate: boolean;
}

const LONGEST_EVENT = 255;

/** Of `{ messages: [{ topic, event, payload, private? }] }`; a text says what is wrong. */
export function messagesOf(body: Json, most: number): readonly Message[] | string {
  const { messages } = (body ?? {}) as JsonObject;
  if (!Array.isArray(messages) || messages.length === 0)
    return "The body needs messages, a list that is not empty";
  if (messages.length > most) return `The body has more than ${most} messages`;
  const read: Message[] = [];
  for (const [at, one] of (messages as readonly Json[]).entries()) {
    const { topic, event, payload, private: isPrivate = false } = (one ?? {}) as JsonObject;
    const problem = payload === undefined ? "has no payload" : messageProblem(topic, event, isPrivate);
    if (problem !== undefined) return `messages[${at}]: ${problem}`;
    read.push({
      topic: topic as string,
      event: event as string,
      payload: payload as Json,
      isPrivate: isPrivate === true,
    });
  }
  return read;
}

/**
 * The one whose topic and event stand in the path, and `private` in the query; a text says what is wrong. Of what is neither
 * true nor false it is not known for whom it is meant.
 */
export function namedMessage(
  { topic, event }: Pick<Message, "topic" | "event">,
  payload: Json | Uint8Array,
  asked: Json | undefined,
): readonly Message[] | string {
  const isPrivate = flagOf(asked);
  const problem = messageProblem(topic, event, isPrivate);
  return problem ?? [{ topic, event, payload, isPrivate: isPrivate === true }];
}

/** What is wrong with a message's names; undefined: nothing is. */
export function messageProblem(topic: unknown, event: unknown, isPrivate: unknown): string | undefined {
  if (typeof isPrivate !== "boolean" && isPrivate !== null) return "private must be true or false";
  if (typeof event !== "string" || event === "" || Buffer.byteLength(event) > LONGEST_EVENT)
    return `The event must be a text of 1 to ${LONGEST_EVENT} bytes`;
  return topicProblem(topic);
}

/** The token of `Authorization: Bearer …`. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/** Bytes that a payload is, as it is counted for the limit. */
export const payloadBytes = (payload: Json | Uint8Array): number =>
  isBytes(payload) ? payload.length : Buffer.byteLength(JSON.stringify(payload));
