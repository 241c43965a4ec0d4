// Messages of private channels that are kept, and told again to who joins and asks. The interface is an app's to
// implement; `memoryReplay` keeps them as long as the process lives.
import { CallaError, isBytes } from "@calla/shared";
import { jsonText } from "../channels/wire/json.ts";
import type { Json } from "../channels/wire/message.ts";

/** A broadcast that was kept. */
export interface ReplayMessage {
  /** Unique; clients are told it as `meta.id`. */
  readonly id: string;
  /** As the app names it, without `realtime:`. */
  readonly topic: string;
  readonly event: string;
  readonly payload: Json | Uint8Array;
  /** When it was said, in milliseconds since the epoch. */
  readonly at: number;
}

/** Where broadcasts to private channels are kept. */
export interface ReplayStore {
  /** Keeps a message. What it throws, or rejects with, is reported; the broadcast goes out all the same. */
  keep(message: ReplayMessage): void | Promise<void>;
  /** The last messages of a topic that are not older than `since`, at most `limit` of them, the oldest first. */
  read(
    topic: string,
    since: number,
    limit: number,
  ): readonly ReplayMessage[] | Promise<readonly ReplayMessage[]>;
}

/** Of `memoryReplay`; every option has a default. */
export interface MemoryReplayOptions {
  /** Messages of one topic. Default 25, which is as many as a join may be told. */
  readonly maxMessages?: number | undefined;
  /** Bytes of all messages, as JSON: of those over it the topics go that were quiet longest. Default 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds for which a message is kept, by the time of the last. Default one day. */
  readonly maxAge?: number | undefined;
}

/** JSON as its text: an object is many times as large, and its app may change it. */
interface Kept {
  readonly message: Omit<ReplayMessage, "payload">;
  readonly payload: string | Uint8Array;
  readonly bytes: number;
}

/** What a message costs beside its text. */
const AT_LEAST = 256;

/**
 * Keeps the last messages of private channels in this process. Several nodes need a store of their own kind.
 *
 * @example
 * supabase(channels, { httpServer, mayRead, replay: memoryReplay({ maxMessages: 10 }) });
 * @throws CallaError `wiring`: an option is no number above 0.
 */
export function memoryReplay(options: MemoryReplayOptions = {}): ReplayStore {
  const { maxMessages = 25, maxBytes = 16_777_216, maxAge = 86_400_000 } = options;
  for (const [name, value] of Object.entries({ maxMessages, maxBytes, maxAge }))
    if (!(typeof value === "number" && value > 0))
      throw new CallaError("wiring", { name, value }, `memoryReplay({ ${name} }) needs a number above 0.`);
  /** The topic that was quiet longest comes first. */
  const topics = new Map<string, Kept[]>();
  let bytes = 0;
  /** Of the last message, and not the greatest: a clock that was ahead for a while would make all later ones old. */
  let newest = -Infinity;
  const forget = (topic: string, count: number): void => {
    const all = topics.get(topic) ?? [];
    for (const one of all.splice(0, count)) bytes -= one.bytes;
    if (all.length === 0) topics.delete(topic);
  };
  return {
    keep({ payload: said, ...message }) {
      const { topic, at } = message;
      const payload = isBytes(said) ? said : jsonText(said);
      const size = sizeOf(message, payload);
      newest = at;
      const all = topics.get(topic) ?? [];
      topics.delete(topic);
      topics.set(topic, all);
      all.push({ message, payload, bytes: size });
      bytes += size;
      const old = all.findIndex((one) => one.message.at >= newest - maxAge);
      forget(topic, Math.max(old, all.length - maxMessages));
      for (const [quiet, kept] of topics) {
        if (bytes <= maxBytes && (kept.at(-1)?.message.at ?? 0) >= newest - maxAge) break;
        forget(quiet, kept.length);
      }
    },
    read: (topic, since, limit) =>
      (topics.get(topic) ?? [])
        .filter(({ message }) => message.at >= since && message.at >= newest - maxAge)
        .slice(-limit)
        .map(({ message, payload }) => ({
          ...message,
          payload: typeof payload === "string" ? (JSON.parse(payload) as Json) : payload,
        })),
  };
}

const sizeOf = ({ topic, event }: Kept["message"], payload: Kept["payload"]): number =>
  AT_LEAST + topic.length + event.length + Buffer.byteLength(payload);
