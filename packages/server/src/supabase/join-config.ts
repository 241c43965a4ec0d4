// What a client asks for with its join. A field that cannot be read takes its default, as with supabase's server; but
// never `private`, by which who means to be among few would be among all.
import { isBytes } from "@calla/shared";
import type { Json, JsonObject } from "../channels/wire/message.ts";

/** What is asked for. */
export interface JoinConfig {
  readonly isPrivate: boolean;
  /** Broadcasts are answered. */
  readonly ack: boolean;
  /** Broadcasts come back to who says them. */
  readonly self: boolean;
  /** `system` is to say that broadcasts are served. */
  readonly replicationReady: boolean;
  /** `key` "": it is to be made. */
  readonly presence: { readonly enabled: boolean; readonly key: string };
  /** Unchecked; undefined: none is asked for. */
  readonly replay: Json | undefined;
  /** How many kinds of changes of a database are asked for. */
  readonly postgresChanges: number;
  readonly token: Json | undefined;
  /** Fields that could not be read. */
  readonly unread: readonly string[];
}

export function joinConfigOf(payload: unknown): JoinConfig | { readonly refusal: string } {
  const unread: string[] = [];
  const object = (name: string, value: Json | undefined): JsonObject => {
    if (isObject(value)) return value;
    if (value !== undefined && value !== null) unread.push(name);
    return {};
  };
  const flag = (name: string, value: Json | undefined): boolean => {
    const read = flagOf(value);
    if (read === undefined) unread.push(name);
    return read ?? false;
  };
  const said = object("payload", payload as Json);
  const config = object("config", said["config"]);
  const broadcast = object("config.broadcast", config["broadcast"]);
  const presence = object("config.presence", config["presence"]);
  const { key } = presence;
  const hasKey = typeof key === "string" && key.length <= LONGEST_KEY;
  const isPrivate = unread.includes("config") ? undefined : flagOf(config["private"]);
  if (isPrivate === undefined) return { refusal: "InvalidJoin: config.private must be true or false" };
  if (key !== undefined && key !== null && !hasKey) unread.push("config.presence.key");
  const changes = config["postgres_changes"] ?? [];
  if (!Array.isArray(changes)) unread.push("config.postgres_changes");
  return {
    isPrivate,
    ack: flag("config.broadcast.ack", broadcast["ack"]),
    self: flag("config.broadcast.self", broadcast["self"]),
    replicationReady: flag("config.broadcast.replication_ready", broadcast["replication_ready"]),
    presence: {
      enabled: flag("config.presence.enabled", presence["enabled"]),
      key: hasKey ? key : "",
    },
    replay: broadcast["replay"] ?? undefined,
    postgresChanges: Array.isArray(changes) ? changes.filter((one) => one !== null).length : 0,
    token: said["access_token"] ?? said["user_token"],
    unread,
  };
}

/** UTF-16 units of a presence's key. */
const LONGEST_KEY = 1_000;

/** Texts "true" and "false" count, in any case; nothing is false. undefined: neither. */
export function flagOf(value: Json | undefined): boolean | undefined {
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  const text = typeof value === "string" ? value.toLowerCase() : "";
  return text === "true" ? true : text === "false" ? false : undefined;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value);

/** Most messages that one join is told again. */
const MOST_REPLAYED = 25;

/** What is to be told again. */
export interface ReplayStart {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly limit: number;
}

/** undefined: what was asked for makes no sense. */
export function replayOf(asked: Json): ReplayStart | undefined {
  if (!isObject(asked)) return undefined;
  const { since, limit = MOST_REPLAYED } = asked;
  if (typeof since !== "number" || typeof limit !== "number" || limit < 1) return undefined;
  return { since, limit: Math.min(Math.floor(limit), MOST_REPLAYED) };
}
