// The app's handles: a topic, an ephemeral topic, the session. Thin: every call looks the target up, so a handle may be
// kept for ever. Types follow from the slice.
import type {
  ClientMessageOf,
  ClientMessagesOf,
  FieldsOf,
  MessageOf,
  ModelOf,
  RejectionOf,
  Slice,
  StatusReason,
  TargetKey,
  TopicCode,
  Typed,
} from "@calla/shared";
import type { Stop } from "./base/notifier.ts";
import type { PresenceOf } from "./presence.ts";
import { selection } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { createReady, verdictOf } from "./engine/ready.ts";
import type { Shown } from "./engine/ready.ts";
import type { AnyState, Core, Pending, Pushed } from "./engine/records.ts";
import { dispatch } from "./engine/dispatch.ts";
import { stateOf } from "./engine/state.ts";
import { retain, visit } from "./engine/subscriptions.ts";
import { targetOf } from "./engine/targets.ts";
import type { Write } from "./engine/write.ts";

/** What there is to show. The same object until something in it changes. */
export type TopicState<S> =
  | { readonly status: "loading"; readonly model: undefined; readonly pending: readonly PendingOf<S>[] }
  | {
      readonly status: "live" | "stale";
      /** Why it stays stale, where the server will not have this client back ("unauthenticated", "origin", "version"); else "". */
      readonly code: StatusReason | "";
      readonly model: ModelOf<S>;
      readonly pending: readonly PendingOf<S>[];
    }
  /** `code` says why ("forbidden", "missing"), or why the server will not have this client back (docs/codes.md). */
  | {
      readonly status: "refused";
      readonly model: undefined;
      readonly code: TopicCode;
      readonly pending: readonly PendingOf<S>[];
    };

/** A dispatch that is shown and not yet confirmed. */
export type PendingOf<S> = Pending<MessageOf<S>>;
/** One message, or several with one fate: one mid, one record. */
export type Dispatched<S> = ClientMessageOf<S> | readonly ClientMessageOf<S>[];
/** K: the message's type; `never` where several were given. Of one, an array of one is applied. */
export type WriteOf<S, K = keyof ClientMessagesOf<S>> = Write<
  [K] extends [never] ? readonly MessageOf<S>[] : readonly [MessageOf<S>],
  RejectionOf<S>
>;

/**
 * A topic or the session.
 *
 * @example
 * const stop = topic.onChange(({ status, model, pending }) => render(model));
 * const write = topic.dispatch({ type: "cardAdded", id, text: "hello" });
 */
export interface Topic<S extends Slice> {
  /** The topic's id; "@" for the session. */
  readonly id: TargetKey;
  readonly state: TopicState<S>;
  /** Subscribes; called for every change of `state`, once per turn. */
  onChange(listener: (state: TopicState<S>) => void): Stop;
  /**
   * The first model there is, a stored one too. Keeps the topic subscribed until it settles. Open while offline; rejects
   * with the code (a CallaError) if the topic is refused, or the client is refused for good or closed. Then, after `client.connect()`, it is a
   * new promise.
   *
   * @example
   * const model = await topic.ready;
   */
  readonly ready: Promise<ModelOf<S>>;
  /** Keeps the topic subscribed without a listener. Returns the undo. */
  retain(): Stop;
  /**
   * Subscribes the topic for `linger` from now on, and shows the model that is stored, or came with the page, at once. Calls
   * nobody back before it returns, may be called any number of times and needs no undo: so it is safe where a framework
   * renders. Does nothing where the topic is refused.
   *
   * @example
   * topic.touch(); // in a render; onChange once that is on the screen
   * const { status, model } = topic.state;
   */
  touch(): void;
  /**
   * A part of the state. `pick` may close over other things, such as a component's props: it is called at each look at
   * `value`, which stays the same object as long as the pick says the same. Two states' picks are compared by `equal`
   * (`Object.is`).
   */
  select<T>(pick: (state: TopicState<S>) => T, equal?: (a: T, b: T) => boolean): Selection<T>;
  /** Shown at once, stored, sent. Throws for an invalid message or a full outbox, before anything has happened. */
  // Inferred by the message's `type` alone, and written out: so the compiler's error is a line or two about that message.
  // Of overloads it would tell about each, of a union about whichever member it takes for the nearest, and of a type with
  // a name it would show all that it is made of.
  dispatch<K extends keyof ClientMessagesOf<S> & string = never>(
    message:
      | ({ readonly type: K } & FieldsOf<ClientMessagesOf<S>, K>)
      | readonly {
          [P in keyof ClientMessagesOf<S> & string]: Typed<P, ClientMessagesOf<S>[P]>;
        }[keyof ClientMessagesOf<S> & string][],
  ): WriteOf<S, K>;
  /** Subscribes; called for what is pushed to the subscribers. */
  onPush(listener: (pushed: Pushed<MessageOf<S>>) => void): Stop;
  /** Who is here: of a slice with `definePresence`. */
  readonly presence: PresenceOf<S>;
}

/** Each author's latest message by the author's tag, one's own not among them. */
export type Latest<S> = ReadonlyMap<
  number,
  { readonly message: MessageOf<S>; readonly userId: string | null }
>;

/** What there is to show of an ephemeral topic. The same object until something in it changes. */
export interface EphemeralState<S> {
  readonly status: "loading" | "live" | "stale" | "refused";
  /** Why it is refused, or stays stale; else "". */
  readonly code: TopicCode | "";
  /** Empty unless the slice says `keep: "latest"`. The same object until it changes. */
  readonly latest: Latest<S>;
}

/**
 * A topic without history: what is dispatched reaches the present subscribers.
 *
 * @example
 * const stop = topic.onPush(({ message, from }) => showCursor(from, message));
 * topic.dispatch({ type: "moved", x, y });
 */
export interface EphemeralTopic<S extends Slice> {
  readonly id: TargetKey;
  readonly state: EphemeralState<S>;
  /** Subscribes; called for every change of `state`, once per turn. */
  onChange(listener: (state: EphemeralState<S>) => void): Stop;
  /** Keeps the topic subscribed without a listener. Returns the undo. */
  retain(): Stop;
  /** Subscribes for `linger` from now on, as `touch` of a topic with a model. Safe where a framework renders. */
  touch(): void;
  /** Sent with this turn if connected, otherwise dropped. With `keep: "latest"` only the turn's last one is sent. */
  dispatch(message: ClientMessageOf<S>): void;
  /** Subscribes; called for what others dispatch. */
  onPush(listener: (pushed: Pushed<MessageOf<S>>) => void): Stop;
  /** Who is here: of a slice with `definePresence`. */
  readonly presence: PresenceOf<S>;
}

/** What every topic has, an ephemeral one too. */
export function handleOf(core: Core, id: TargetKey) {
  /** A listener and its hold on the subscription are undone together. */
  const holding = (listen: () => Stop): Stop => {
    const stop = listen();
    const release = hold();
    return () => {
      stop();
      release();
    };
  };
  const hold = (): Stop => retain(core, targetOf(core, id));
  return {
    id,
    state: () => stateOf(core, targetOf(core, id)),
    retain: hold,
    touch: () => visit(core, targetOf(core, id)),
    onChange: (listener: (state: AnyState) => void) =>
      holding(() => targetOf(core, id).changes.add(listener)),
    onPush: (listener: (pushed: Pushed) => void) => holding(() => targetOf(core, id).pushes.add(listener)),
  };
}

const CLOSED: Shown = { status: "refused", model: undefined, code: "closed" };

/** The handle's types are the slice's; inside, nothing is known of them. */
export function createTopic<S extends Slice>(core: Core, key: TargetKey): Topic<S> {
  const { state, retain, touch, onChange, onPush } = handleOf(core, key);
  const topic: Omit<Topic<Slice>, "presence"> = {
    id: key,
    get state() {
      return state() as TopicState<Slice>;
    },
    onChange: onChange as Topic<Slice>["onChange"],
    get ready() {
      const one = targetOf(core, key);
      const now = (): Shown => (core.closed ? CLOSED : state());
      if (!one.ready || (one.ready.verdict !== undefined && one.ready.verdict !== verdictOf(now()))) {
        one.ready = createReady(core.closed ? () => {} : retain());
        one.ready.settle(now());
      }
      return one.ready.promise as Promise<never>;
    },
    retain,
    touch,
    select: (pick, equal) => selection(() => topic.state, topic.onChange, pick, core, equal),
    dispatch: (message) => dispatch(core, key, message) as Write as Write<never, never>,
    onPush: onPush as Topic<Slice>["onPush"],
  };
  return topic as unknown as Topic<S>;
}
