// One connection of a supabase client, beside what `connect` gave it: its key, and which channels are to hear that the
// server sends it away.
import type { Connection, WireFrame } from "../base/connection.ts";
import type { PhoenixRequest } from "../channels/engine/host.ts";
import { CLOSE } from "../channels/engine/phoenix-socket.ts";
import type { ChannelSocket } from "../channels/definition/channel-types.ts";
import type { JsonObject } from "../channels/wire/message.ts";
import type { ChannelSerialiser } from "../channels/wire/serialiser.ts";
import { appTopicOf } from "./topics.ts";

/** Among the assigns of each connection that came in by a supabase mount; no other has it. */
export const VISITOR = Symbol("supabase");

export class Visitor {
  readonly apikey: string;
  /** What `connect` gave. */
  readonly assigns: object;
  readonly channels = new Set<Pick<ChannelSocket, "topic" | "joinRef">>();
  /** When what it said on topics that it has left will have been paid for: who joins again has no new burst. */
  readonly #owed = new Map<string, number>();

  constructor(apikey: string, assigns: object) {
    this.apikey = apikey;
    this.assigns = assigns;
  }

  owes(topic: string): number {
    return this.#owed.get(topic) ?? 0;
  }

  /** `paid`: of a channel that has ended. Of so many the one that ended first is forgotten. */
  leaves(topic: string, paid: number): void {
    this.#owed.delete(topic);
    if (paid > 0) this.#owed.set(topic, paid);
    const [first] = this.#owed.keys();
    if (this.#owed.size > MOST_OWED && first !== undefined) this.#owed.delete(first);
  }
}

/** More than anybody comes back to within the time of a burst: joins have a rate of their own. */
const MOST_OWED = 1_000;

/** What a channel's connection is. undefined: it came in by another mount. */
export const visitorOf = (assigns: object): Visitor | undefined =>
  (assigns as { readonly [VISITOR]?: Visitor })[VISITOR];

/** The key that a request gives, by its query or by a header. */
export function apikeyOf({
  params,
  headers,
}: Pick<PhoenixRequest, "params" | "headers">): string | undefined {
  const given = [params["apikey"], headers["apikey"], headers["x-api-key"]];
  return given.find((key): key is string => typeof key === "string" && key !== "");
}

/** Params with the key among them: `connect` finds it there, however it was given. Without a prototype, as they are. */
export const withKey = (params: JsonObject, apikey: string): JsonObject =>
  params["apikey"] === apikey ? params : Object.assign(Object.create(null) as object, params, { apikey });

/** A user's token among what clients give as one: they fall back to the key, which is nobody's. */
export function tokenOf(given: unknown, apikey: string): string | undefined {
  if (typeof given !== "string" || given === "" || given === apikey) return undefined;
  return given.startsWith("sb_") ? undefined : given;
}

/** What the server says of a channel by `system`. */
export const systemMessage = (topic: string, status: "ok" | "error", message: string): JsonObject => ({
  extension: "system",
  status,
  message,
  channel: appTopicOf(topic),
});

/** A connection whose channels hear it when the server sends it away. */
export class VisitorConnection implements Connection {
  readonly #connection: Connection;
  readonly #serialiser: ChannelSerialiser;
  readonly #visitor: Visitor;

  constructor(connection: Connection, serialiser: ChannelSerialiser, visitor: Visitor) {
    this.#connection = connection;
    this.#serialiser = serialiser;
    this.#visitor = visitor;
  }

  send(frame: WireFrame): void {
    this.#connection.send(frame);
  }

  close(code: number, reason: string): void {
    if (code === CLOSE.draining)
      for (const { topic, joinRef } of this.#visitor.channels) {
        const payload = systemMessage(topic, "ok", "Server requested disconnect");
        this.send(this.#serialiser.push({ joinRef, ref: null, topic, event: "system", payload }));
      }
    this.#connection.close(code, reason);
  }

  bufferedAmount(): number {
    return this.#connection.bufferedAmount();
  }
  pause(): void {
    this.#connection.pause?.();
  }
  resume(): void {
    this.#connection.resume?.();
  }
  terminate(): void {
    this.#connection.terminate?.();
  }
}
