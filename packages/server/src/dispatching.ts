// A message's way to its target: may this client reach it, is it open, then offered. And what the server itself
// dispatches and pushes. What becomes of a message is decided in target-engine.ts.
import { authorTag, CallaError, messageId, OWN_SESSION, parseMessage } from "@calla/shared";
import type { ClientFrames, EphemeralSlice, Message, Slice, TargetKey } from "@calla/shared";
import type { Pushed } from "./audience.ts";
import type { Conversation } from "./conversation.ts";
import type { Core } from "./core.ts";
import { relay } from "./ephemeral.ts";
import { asking, passes } from "./gates.ts";
import type { Gates } from "./gates.ts";
import { admitEphemeral } from "./handlers.ts";
import { hear } from "./hooks.ts";
import type { LiveTarget } from "./live-target.ts";
import type { Places } from "./places.ts";
import { wireOf } from "./records.ts";
import { refused } from "./refusal.ts";
import type { TargetRegistry } from "./target-registry.ts";
import type { Turns } from "./turns.ts";

export interface DispatchingParts {
  readonly core: Core;
  readonly registry: TargetRegistry;
  readonly places: Places;
  readonly gates: Gates;
  readonly turns: Turns;
  /** The open conversation of each client. */
  readonly clients: ReadonlyMap<string, Conversation>;
  end(conversation: Conversation, code: string, retryable: boolean): void;
}

export class Dispatching {
  readonly #core: Core;
  readonly #registry: TargetRegistry;
  readonly #places: Places;
  readonly #gates: Gates;
  readonly #turns: Turns;
  readonly #clients: ReadonlyMap<string, Conversation>;
  readonly #end: DispatchingParts["end"];
  /** Messages that wait to hear whether the log knows of their author. */
  #strangers = 0;

  constructor({ core, registry, places, gates, turns, clients, end }: DispatchingParts) {
    this.#core = core;
    this.#registry = registry;
    this.#places = places;
    this.#gates = gates;
    this.#turns = turns;
    this.#clients = clients;
    this.#end = end;
  }

  message(
    conversation: Conversation,
    key: TargetKey,
    frame: ClientFrames["SessionMessage" | "TopicMessage"],
  ): void {
    if (!MESSAGE_ID.test(frame.id)) {
      refused(this.#core, conversation, key, "protocol", { id: frame.id.slice(0, 64) });
      return this.#end(conversation, "protocol", false);
    }
    // Before the topic, or whether there is one, has any part in it. Decoded for whoever hears of it, and else not yet.
    if (this.#core.hooks.incoming.any)
      hear(
        this.#core.hooks.incoming,
        this.#core,
        conversation,
        frame,
        conversation.encoder.decodeDispatch(frame.message),
      );
    const { conflicts } = conversation;
    if (conflicts?.has(key) === true) return;
    if (conflicts !== undefined && conflicts.size >= this.#core.limits.maxTopicsPerConnection)
      return this.#end(conversation, "mid-conflict", true); // it has to say Hello anew anyway
    // The common way costs no closure: a follower, admitted as such, dispatches to what it follows.
    const followed = conversation.follows.get(key)?.live === true && !gateIsShut(conversation, key);
    const known = followed ? this.#registry.get(key) : undefined;
    if (known !== undefined) return this.#offer(conversation, known, frame, undefined);
    const named = this.#places.named(key, conversation.clientId);
    const { mid, id, message } = frame;
    const target = frame.type === "TopicMessage" ? frame.target : OWN_SESSION;
    const refuse = (code: string): void => {
      refused(this.#core, conversation, key === OWN_SESSION ? target : key, code, {});
      if (mid > 0) conversation.send({ type: "Rejected", target, mid, id, from: "calla", code, details: {} });
    };
    if (typeof named === "string") return refuse(named);
    if (named.slice.kind === "ephemeral") return this.#cast(conversation, key, named.slice, message);
    const pause = (code: string): void =>
      conversation.send({ type: "Paused", target, from: mid, code, retryAfter: 1_000 });
    const offer = (denied?: string): void => {
      const live = this.#places.open(key, named, conversation.party) as LiveTarget | undefined;
      if (live === undefined) return pause("busy");
      this.#offer(conversation, live, frame, denied);
    };
    this.#gates.pass(conversation, key, named, (admitted) => {
      if (conversation.phase !== "open") return;
      if (admitted === true) return offer();
      if (passes(admitted)) return pause("busy");
      if (this.#registry.get(key) !== undefined) return offer(admitted);
      // Nothing is opened for strangers. One that was let in before may repeat what was decided then (TE2).
      if (this.#strangers >= this.#core.limits.maxQueued) return pause("busy");
      this.#strangers++;
      void this.#core.log
        .client(key, conversation.clientId)
        .then(
          (row) => {
            if (conversation.phase !== "open") return;
            if (row === undefined) refuse(admitted);
            else offer(admitted);
          },
          (error: unknown) => {
            this.#core.report(error);
            pause("storage");
          },
        )
        .finally(() => this.#strangers--);
    });
  }

  #offer(
    conversation: Conversation,
    live: LiveTarget,
    { mid, id, settled, message: plain }: ClientFrames["SessionMessage" | "TopicMessage"],
    denied: string | undefined,
  ): void {
    // Only now, when nothing is left that could refuse it unread (CV18): who may not reach the target is told so, and
    // what is more than a batch may be is refused by its length.
    const unread =
      denied !== undefined || (Array.isArray(plain) && plain.length > this.#core.limits.maxBatch);
    const message = unread ? plain : conversation.encoder.decodeDispatch(plain);
    this.#turns.offer(live, {
      author: conversation.author,
      row: conversation.clientId,
      mid,
      id,
      settled: Math.min(settled, mid - 1),
      // Not checked yet: `admit` parses each.
      messages: message === null ? null : ((Array.isArray(message) ? message : [message]) as Message[]),
      denied,
      reply: conversation,
    });
  }

  /** To an ephemeral topic: now, to whoever is there, or not at all. */
  #cast(conversation: Conversation, key: TargetKey, slice: EphemeralSlice, plain: unknown): void {
    const topic = this.#places.ephemeral(key);
    const handlers = this.#core.handlers.get(slice.name);
    const follows = topic !== undefined && conversation.follows.get(key)?.live === true;
    if (!follows && conversation.brief) return this.#castFromAfar(conversation, key, slice, plain);
    if (!follows)
      return refused(
        this.#core,
        conversation,
        key,
        handlers === undefined ? "unhandled" : "not-following",
        {},
      );
    try {
      const who = asking(conversation, key, topic.params);
      const value = conversation.encoder.decodeDispatch(plain);
      const admitted = admitEphemeral(slice, handlers, value, who, this.#core);
      if (admitted.ok) topic.dispatch(conversation, admitted.message);
      else refused(this.#core, conversation, key, admitted.code, admitted.details);
    } catch (error) {
      this.#core.report(error);
    }
  }

  /** Its author may follow by a stream on another node, or by polls: whether it may reach the topic is asked instead. */
  #castFromAfar(conversation: Conversation, key: TargetKey, slice: EphemeralSlice, plain: unknown): void {
    const named = this.#places.named(key, conversation.clientId);
    if (typeof named === "string") return;
    this.#gates.pass(conversation, key, named, (allowed) => {
      try {
        const who = asking(conversation, key, named.params);
        const handlers = this.#core.handlers.get(slice.name);
        if (allowed !== true) return refused(this.#core, conversation, key, allowed, {});
        const value = conversation.encoder.decodeDispatch(plain);
        const admitted = admitEphemeral(slice, handlers, value, who, this.#core);
        if (!admitted.ok) return refused(this.#core, conversation, key, admitted.code, admitted.details);
        const pushed: Pushed = [authorTag(conversation.clientId, key), conversation.userId, admitted.message];
        this.#places.get(key)?.audience.push(pushed);
        relay(this.#core, key, pushed);
      } catch (error) {
        this.#core.report(error);
      }
    });
  }

  /** A message of the server's to whoever follows, here and elsewhere; in a client's name, to everybody but it. */
  push(slice: Slice, key: TargetKey, value: unknown, from?: string): void {
    const parsed = parseMessage(slice, value, "server");
    if (!parsed.ok)
      throw new CallaError(
        "invalid",
        { slice: slice.name, ...parsed.details },
        `This is no message of slice "${slice.name}"; look at its schema.`,
      );
    const message = this.#core.serialiser.normaliseMessage(parsed.message);
    const userId = from === undefined ? null : (this.#clients.get(from)?.userId ?? null);
    const pushed = [from === undefined ? null : authorTag(from, wireOf(key)), userId, message] as const;
    this.#places.get(key)?.audience.push(pushed, from);
    relay(this.#core, key, pushed, from);
  }

  /** What a hook returned. A topic that was removed meanwhile it does not bring back, nor make: then it is for nobody (HA7). */
  async dispatchUnlessRemoved(live: LiveTarget, messages: readonly Message[]): Promise<void> {
    try {
      await this.dispatchTo(live, messages, undefined, true);
    } catch (error) {
      const { code, details } = error as { readonly code?: unknown; readonly details?: { code?: unknown } };
      if (code !== "rejected" || !(details?.code === "removed" || details?.code === "missing")) throw error;
    }
  }

  /** The server's own dispatch; applied once per key, if one is given. */
  dispatchTo(
    live: LiveTarget,
    messages: readonly Message[],
    key?: string,
    unlessRemoved = false,
  ): Promise<{ sequence: number }> {
    return new Promise((resolve, reject) => {
      this.#turns.offer(live, {
        author: null,
        row: key === undefined ? "" : `#${key}`,
        mid: key === undefined ? 0 : 1,
        // Told apart from random ids, which whoever follows has seen: a key may be of a visitor's making.
        id: key === undefined ? messageId(this.#core.random) : `#${key}`,
        settled: 0,
        messages,
        unlessRemoved,
        reply: { settle: (sequence) => resolve({ sequence }), fail: reject },
      });
    });
  }
}

/** Messages that came before this one wait there to hear whether they may pass. */
const gateIsShut = ({ gates }: Conversation, key: TargetKey): boolean => {
  const gate = gates?.get(key);
  return gate !== undefined && gate.open === undefined;
};

/** Ids go into marks, rows and derived ids: short, and of characters that every format carries alike. */
const MESSAGE_ID = /^[!-~]{1,64}$/;
