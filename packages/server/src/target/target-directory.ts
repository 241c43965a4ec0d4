// Where messages and subscribers go: what a key names, and the target if it is in memory. Naming opens nothing, so a
// refused client costs no memory. Not here: whether a client may go there (access.ts), when a target leaves
// (target-registry.ts).
import { CallaError, isSession, OWN_SESSION, sessionKey } from "@calla/shared";
import type { Slice, TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import { hearTarget } from "../cluster/node-messages.ts";
import { EphemeralTopic, pushRelayed } from "./ephemeral-topic.ts";
import type { LiveTarget } from "./live-target.ts";
import type { Party } from "../connection/parties.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import { manyOf, Capacity } from "./capacity.ts";
import type { TargetRegistry } from "./target-registry.ts";

export type ResolvedTarget = LiveTarget | EphemeralTopic;

/** What a key names. */
export interface NamedTarget {
  readonly slice: Slice;
  readonly params: readonly string[];
}

export class TargetDirectory {
  readonly #context: ServerContext;
  readonly #slowConsumers: SlowConsumers;
  readonly #registry: TargetRegistry;
  readonly #ephemerals = new Map<TargetKey, { topic: EphemeralTopic; silence: () => void }>();

  readonly #capacity: Capacity<EphemeralTopic>;
  readonly #givesWay: (topic: EphemeralTopic) => void;

  /** `givesWay` is called before a topic is closed to make room for somebody else's: the subscriptions lie above this file. */
  constructor(
    context: ServerContext,
    slowConsumers: SlowConsumers,
    registry: TargetRegistry,
    givesWay: (topic: EphemeralTopic) => void,
  ) {
    this.#context = context;
    this.#slowConsumers = slowConsumers;
    this.#registry = registry;
    this.#givesWay = givesWay;
    this.#capacity = new Capacity({
      all: () => Array.from(this.#ephemerals.values(), ({ topic }) => topic),
      now: () => context.clock.monotonic(),
      restful: () => true,
      many: manyOf(context.limits.maxOpenTargets),
    });
  }

  /** What a key names for this client, or the code that refuses it. */
  named(key: TargetKey, clientId: string): NamedTarget | "topic" | "unhandled" {
    // "@" alone is one's own; another client's session has no name on the wire (S17).
    const named =
      isSession(key) && key !== sessionKey(clientId) ? undefined : (this.get(key) ?? this.#find(key));
    if (named === undefined) return "topic";
    return this.#context.handlers.has(named.slice.name) ? named : "unhandled";
  }

  /** The place, if it is in memory. */
  get(key: TargetKey): ResolvedTarget | undefined {
    return this.#registry.get(key) ?? this.ephemeral(key);
  }
  ephemeral(key: TargetKey): EphemeralTopic | undefined {
    return this.#ephemerals.get(key)?.topic;
  }

  /** The place, in memory from now on, for whoever `asks` (undefined: the server); undefined: nobody gives way for it. */
  open(key: TargetKey, { slice, params }: NamedTarget, asks?: Party): ResolvedTarget | undefined {
    if (slice.kind !== "ephemeral") return this.#registry.open(key, slice, params, asks);
    const open = this.ephemeral(key);
    if (open !== undefined) return open;
    if (this.#ephemerals.size >= this.#context.limits.maxOpenTargets) {
      const going = this.#capacity.for(asks);
      if (going === undefined) return undefined;
      this.#givesWay(going);
      this.forget(going);
    }
    const topic = new EphemeralTopic(this.#context, this.#slowConsumers, key, slice, params);
    const silence = hearTarget(this.#context, key, { push: (push) => pushRelayed(topic.audience, push) });
    this.#ephemerals.set(key, { topic, silence });
    return topic;
  }

  /** A target for the server itself, which may go everywhere. */
  target(key: TargetKey): LiveTarget {
    const named = this.#find(key);
    const live = named && named.slice.kind !== "ephemeral" ? this.open(key, named) : undefined;
    if (live !== undefined) return live as LiveTarget;
    if (named !== undefined)
      throw new CallaError(
        "storage",
        { topic: key },
        `"${key}" cannot be opened now: too many topics are busy.`,
      );
    throw new CallaError("topic", { topic: key }, `"${key}" is no topic of the server's wiring.`);
  }

  /** Closes an ephemeral topic that has no subscriber: it holds nothing. */
  forget(topic: EphemeralTopic): void {
    if (!topic.audience.empty || topic.closed) return;
    topic.closed = true;
    this.#ephemerals.get(topic.topic)?.silence();
    this.#ephemerals.delete(topic.topic);
  }

  /** The keys of a slice's places in memory. */
  ofSlice(slice: Slice): TargetKey[] {
    const keys = [...this.#registry.all()].filter((live) => live.slice === slice).map((live) => live.key);
    for (const [key, { topic }] of this.#ephemerals) if (topic.slice === slice) keys.push(key);
    return keys;
  }

  #find(key: TargetKey): NamedTarget | undefined {
    if (!isSession(key)) return this.#context.wiring.sliceOf(key);
    const { session } = this.#context.wiring;
    return session && { slice: session, params: [] };
  }
}

/** The log's key for a name on the wire. "@" alone is a session's name: with more behind it, it names nothing. */
export const keyOf = (conversation: { readonly clientId: string }, target: TargetKey): TargetKey => {
  if (!isSession(target)) return target;
  return target === OWN_SESSION ? sessionKey(conversation.clientId) : OWN_SESSION;
};
