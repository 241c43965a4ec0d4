// A target in the server's own hands: `server.topic(board, "42")` and `server.session(clientId)`.
import { CallaError } from "@calla/shared";
import type {
  FieldsOf,
  Message,
  MessageOf,
  MessagesOf,
  ModelOf,
  ModelSlice,
  Slice,
  TargetKey,
  Typed,
} from "@calla/shared";
import { messagesOf } from "./app/messages.ts";
import { deadline } from "./base/deadline.ts";
import { ring } from "./cluster/node-messages.ts";
import type { Hub } from "./hub/hub.ts";
import type { LiveTarget } from "./target/live-target.ts";
import { historyOf, modelAt } from "./history/topic-history.ts";
import type { HistoryOptions, HistoryResult } from "./history/topic-history.ts";
import type { TargetEngine } from "./target/target-engine.ts";
import type { Reply } from "./target/live-target.ts";
import { topicPresence } from "./server-presence.ts";
import type { TopicPresenceOf } from "./server-presence.ts";

type TopicEngine = TargetEngine<Reply>;

/** What a dispatch of the server takes besides its messages. */
export interface DispatchOptions {
  /** The dispatch is applied once per key, however often it is repeated, on whichever node. */
  readonly key?: string;
}

/** What `stop` of a server or a topic takes. */
export interface StopOptions {
  /** Milliseconds to wait for a log that does not answer; then it is reported. Default 5,000. */
  readonly within?: number;
}

/**
 * The server's hold on one topic or session. Holding it keeps nothing in memory.
 *
 * @example
 * const topic = server.topic(board, "42");
 * await topic.dispatch({ type: "archived" });
 * const { model, sequence } = await topic.read();
 */
export interface ServerTopic<S> {
  readonly id: TargetKey;
  /** Who is here, where the slice has `definePresence`. @throws CallaError `wiring`: it has not. */
  readonly presence: TopicPresenceOf<S>;
  /**
   * The durable model and its sequence; with `sequence`, the model of then, as far as the log reaches back.
   *
   * @throws CallaError `compacted`, `version`, `skipped`, `invalid`: the model of then cannot be had; the message says why.
   */
  read(options?: {
    readonly sequence?: number;
  }): Promise<{ readonly model: ModelOf<S>; readonly sequence: number }>;
  /**
   * Dispatches as the server: no author, server-only messages allowed. Several messages have one fate.
   * @throws CallaError `rejected`: the update refused it, or it is no message of the slice.
   */
  // Written out so that the compiler's error is about the one message (the client's Topic says more).
  dispatch<K extends keyof MessagesOf<S> & string = never>(
    message:
      | ({ readonly type: K } & FieldsOf<MessagesOf<S>, K>)
      | readonly {
          [P in keyof MessagesOf<S> & string]: Typed<P, MessagesOf<S>[P]>;
        }[keyof MessagesOf<S> & string][],
    options?: DispatchOptions,
  ): Promise<{ readonly sequence: number }>;
  /** Sends a message to the subscribers. It has no sequence, is never replayed and changes no model. */
  push(message: MessageOf<S>): void;
  /** The same in the name of a client, which does not get it itself. */
  pushFrom(clientId: string, message: MessageOf<S>): void;
  /**
   * What happened: who dispatched what and when. The newest page first, each page oldest entry first.
   *
   * @example
   * for (let page = await topic.history(); ; page = await topic.history({ upTo: page.earlier })) {
   *   show(page.entries);
   *   if (page.earlier === undefined) break;
   * }
   */
  history(options?: HistoryOptions): Promise<HistoryResult<S>>;
  /** Closes it in memory; subscribers are told and may subscribe again. */
  stop(options?: StopOptions): Promise<void>;
  /** Deletes model and records for good. Subscribers are told; only a dispatch of the server's own brings it back. */
  remove(): Promise<void>;
}

export function serverTopic<S>(hub: Hub, slice: Slice, key: TargetKey): ServerTopic<S> {
  const { context } = hub;
  const live = (): Promise<LiveTarget & { engine: TopicEngine }> => opened(hub, slice, key);
  return {
    id: key,
    get presence() {
      return topicPresence(hub, slice, key) as unknown as TopicPresenceOf<S>;
    },
    async read({ sequence: wanted } = {}) {
      if (wanted !== undefined) {
        const model = await modelAt(context, stateful(slice, key), key, wanted);
        return { model: model as ModelOf<S>, sequence: wanted };
      }
      const target = await live();
      if (context.log.shared && !(await hub.commitLoop.look(target))) {
        throw unavailable(target, "could not be read; try again.");
      }
      const { model, sequence } = target.engine.state;
      return { model: model as ModelOf<S>, sequence };
    },
    async dispatch(given, options) {
      const messages = messagesOf<unknown>(given) as readonly Message[];
      return hub.dispatcher.dispatchTo(await live(), messages, options?.key);
    },
    push: (message) => hub.dispatcher.push(slice, key, message),
    pushFrom: (clientId, message) => hub.dispatcher.push(slice, key, message, clientId),
    async history(options = {}) {
      return historyOf<S>(context, stateful(slice, key) && key, options);
    },
    async stop({ within = STOP_WITHIN } = {}) {
      const target = hub.registry.get(key);
      if (target === undefined) return;
      const limit = deadline(context.clock, within);
      const stopped = end(hub, target, "stopped", () => hub.registry.saveSnapshot(target));
      if (!(await limit.met(stopped))) {
        // It goes on ending, and takes nothing meanwhile: an append of which nothing is known must not be overtaken.
        cut(hub, target, "stopped");
        context.report(unanswered(`stop() of "${key}"`, within));
      }
      limit.over();
    },
    async remove() {
      const target = await live();
      if (!(await end(hub, target, "removed", () => context.log.remove(key, context.clock.now()))))
        throw new CallaError("closed", { topic: key }, `The server was stopped before "${key}" was removed.`);
      ring(context, key);
      hub.consumers.grown();
    },
  };
}

/**
 * Lets what was taken land, does the last thing, ends every subscription and forgets the target. Clients that subscribe
 * in the meantime are told to retry; the server's own dispatches wait for the target that is opened in its place. False if the server
 * was stopped before the last thing could be done.
 */
async function end(
  hub: Hub,
  live: LiveTarget,
  ending: NonNullable<LiveTarget["ending"]>,
  last: () => Promise<unknown>,
): Promise<boolean> {
  live.ending = "stopped";
  if (live.engine === undefined) await new Promise((resolve) => live.opening.push(resolve));
  await hub.commitLoop.idle(live);
  if (hub.commitLoop.stopped) return false;
  if (live.closed) throw unavailable(live, "could not be ended.");
  let told: typeof ending = "stopped";
  try {
    await last();
    told = ending;
    return true;
  } finally {
    cut(hub, live, told);
    hub.registry.drop(live);
  }
}

function cut(hub: Hub, { key }: LiveTarget, why: "stopped" | "removed"): void {
  for (const conversation of hub.connections) hub.subscriptions.cut(conversation, key, why);
}

/** Milliseconds. */
export const STOP_WITHIN = 5_000;

export const unanswered = (what: string, within: number): CallaError =>
  new CallaError(
    "storage",
    { within },
    `${what} waited ${within} ms for the log and gave up; whether what was under way is in the log will be known when it can be read.`,
  );

/** The slice, if it has models. */
function stateful(slice: Slice, key: TargetKey): ModelSlice {
  if (slice.kind !== "ephemeral" && slice.kind !== "local") return slice;
  throw new CallaError("topic", { topic: key }, `"${key}" is ${slice.kind}: it has no model; use push.`);
}

export async function opened(
  hub: Hub,
  slice: Slice,
  key: TargetKey,
): Promise<LiveTarget & { engine: TopicEngine }> {
  stateful(slice, key);
  if (hub.commitLoop.stopped) throw new CallaError("closed", { topic: key }, "The server has been stopped.");
  const place = hub.directory.target(key);
  if (place.slice !== slice)
    throw new CallaError(
      "topic",
      { topic: key },
      `"${key}" belongs to slice "${place.slice.name}", not "${slice.name}".`,
    );
  if (place.engine === undefined) await new Promise((resolve) => place.opening.push(resolve));
  if (place.engine === undefined) throw unavailable(place, "could not be opened; the reason was reported.");
  return place as LiveTarget & { engine: TopicEngine };
}

export const unavailable = ({ key, slice, failure, newer }: LiveTarget, what: string): CallaError =>
  newer === undefined
    ? new CallaError(failure, { topic: key }, `"${key}" ${what}`)
    : new CallaError(
        "version",
        { topic: key, version: newer, ours: slice.version },
        `"${key}" is of version ${newer}, and this node's slice "${slice.name}" of version ${slice.version}; ask another node.`,
      );
