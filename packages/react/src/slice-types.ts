// What follows from a slice: the types of its state, its parameters and its handle.
import type { EphemeralState, EphemeralTopic, Local, Topic, TopicState } from "@calla/client";
import type { AnyTopicSlice, EphemeralSlice, LocalSlice, ParamsOf, Slice } from "@calla/shared";

/** What there is to show of a topic of this slice. */
export type StateOf<S extends AnyTopicSlice> = S extends EphemeralSlice ? EphemeralState<S> : TopicState<S>;

/** The parameters of a topic, which a slice of one topic, a session and a local slice do not need. */
export type ParamsGiven<S> = [] extends ParamsOf<S> ? [params?: ParamsOf<S>] : [params: ParamsOf<S>];

/** The client's handle for a slice. */
export type HandleOf<S> = S extends LocalSlice
  ? Local<S>
  : S extends EphemeralSlice
    ? EphemeralTopic<S>
    : S extends Slice
      ? Topic<S>
      : never;
