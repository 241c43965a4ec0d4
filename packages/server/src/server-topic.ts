// A target in the server's own hands: `server.topic(board, "42")` and `server.session(clientId)`.
import { CallaError, ORIGIN } from "@calla/shared";
import type { Message, MessageOf, ModelOf, Slice, TargetKey } from "@calla/shared";
import type { Hub } from "./hub.ts";
import type { LiveTarget } from "./live-target.ts";
import type { LogRecord } from "./log.ts";
import type { TargetEngine } from "./target-engine.ts";
import { doorbell } from "./target-registry.ts";
import type { Reply } from "./live-target.ts";

type Engine = TargetEngine<Reply>;

/** One accepted dispatch of the past. */
export interface HistoryEntry<S> {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** null: the server. */
  readonly author: { readonly clientId: string; readonly userId: string | null } | null;
  readonly id: string;
  readonly messages: readonly MessageOf<S>[];
}

export interface DispatchOptions {
  /** The dispatch is applied once per key, however often it is repeated, on whichever node. */
  readonly key?: string;
}

/** The server's hold on one topic or session. Holding it keeps nothing in memory. */
export interface ServerTopic<S> {
  readonly id: TargetKey;
  /** The durable model and its sequence. */
  read(): Promise<{ readonly model: ModelOf<S>; readonly sequence: number }>;
  /**
   * Dispatches as the server: no author, server-only messages allowed. Several messages have one fate.
   * @throws CallaError `rejected`: the update refused it, or it is no message of the slice.
   */
  dispatch(
    message: MessageOf<S> | readonly MessageOf<S>[],
    options?: DispatchOptions,
  ): Promise<{ readonly sequence: number }>;
  /** Sends a message to the followers. It has no sequence, is never replayed and changes no model. */
  push(message: MessageOf<S>): void;
  /** The same in the name of a client, which does not get it itself. */
  pushFrom(clientId: string, message: MessageOf<S>): void;
  /** The records still there, oldest first. `from`: the sequence before the first of them. */
  history(options?: {
    readonly limit?: number;
  }): Promise<{ readonly from: number; readonly entries: readonly HistoryEntry<S>[] }>;
  /** Lets it go from memory; followers are told and may come again. */
  stop(): Promise<void>;
  /** Forgets model and records for good. Followers are told; only a dispatch of the server's own brings it back. */
  remove(): Promise<void>;
}

export function serverTopic<S>(hub: Hub, slice: Slice, key: TargetKey): ServerTopic<S> {
  const { core } = hub;
  const live = (): Promise<LiveTarget & { engine: Engine }> => opened(hub, slice, key);
  return {
    id: key,
    async read() {
      const target = await live();
      if (core.log.shared && !(await hub.turns.look(target))) {
        throw new CallaError("storage", { topic: key }, `The log of "${key}" could not be read; try again.`);
      }
      const { model, sequence } = target.engine.state;
      return { model: model as ModelOf<S>, sequence };
    },
    async dispatch(message, options) {
      const messages = Array.isArray(message)
        ? (message as readonly Message[])
        : [message as unknown as Message];
      return hub.dispatchTo(await live(), messages, options?.key);
    },
    push: (message) => hub.push(slice, key, message),
    pushFrom: (clientId, message) => hub.push(slice, key, message, clientId),
    async history(options) {
      const limit = options?.limit ?? core.limits.maxCatchUp;
      const first = await core.log.read(key, ORIGIN, limit);
      const start = first.status === "records" ? ORIGIN : ((await core.log.open(key))?.snapshot ?? ORIGIN);
      const read = first.status === "records" ? first : await core.log.read(key, start, limit);
      const records = read.status === "records" ? read.records : [];
      return { from: start.sequence, entries: records.map((record) => entryOf<S>(record)) };
    },
    async stop() {
      const target = hub.registry.get(key);
      if (target === undefined) return;
      await end(hub, target, { code: "stopped", retryable: true }, () => hub.registry.saveSnapshot(target));
    },
    async remove() {
      const target = await live();
      await end(hub, target, { code: "removed", retryable: false }, async () => {
        await core.log.remove(key);
        if (core.log.shared) core.pubsub.publish(doorbell(key), target.engine.state.sequence);
      });
    },
  };
}

/**
 * Lets what was taken land, cuts every follower, does the last thing and forgets the target. Whoever comes meanwhile is
 * told the same as the followers; the server's own dispatches wait for the target that is opened in its place.
 */
async function end(
  hub: Hub,
  live: LiveTarget,
  ending: { readonly code: string; readonly retryable: boolean },
  last: () => Promise<void>,
): Promise<void> {
  live.ending = ending;
  if (live.engine === undefined) await new Promise((resolve) => live.opening.push(resolve));
  await hub.turns.idle(live);
  for (const conversation of hub.connections) hub.cut(conversation, live.key, ending.code, ending.retryable);
  try {
    await last();
  } finally {
    hub.registry.drop(live);
  }
}

async function opened(hub: Hub, slice: Slice, key: TargetKey): Promise<LiveTarget & { engine: Engine }> {
  if (slice.kind === "ephemeral")
    throw new CallaError("topic", { topic: key }, `"${key}" is ephemeral: it has no model; use push.`);
  if (hub.turns.stopped) throw new CallaError("closed", { topic: key }, "The server has been stopped.");
  const place = hub.places.target(key);
  if (place.slice !== slice)
    throw new CallaError(
      "topic",
      { topic: key },
      `"${key}" belongs to slice "${place.slice.name}", not "${slice.name}".`,
    );
  if (place.engine === undefined) await new Promise((resolve) => place.opening.push(resolve));
  if (place.engine === undefined)
    throw new CallaError("storage", { topic: key }, `"${key}" could not be opened; the reason was reported.`);
  return place as LiveTarget & { engine: Engine };
}

const entryOf = <S>(record: LogRecord): HistoryEntry<S> => ({
  sequence: record.sequence,
  at: record.at,
  author: record.author,
  id: record.id,
  messages: record.messages as readonly unknown[] as readonly MessageOf<S>[],
});
