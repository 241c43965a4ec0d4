// From a slice and its parameters to the client's handle, and to what a component reads of it. Parameters are compared by
// what they say. Not here: reading (source.ts).
import type { Client } from "@calla/client";
import type { Hydration } from "@calla/client/hydration";
import { CallaError, OWN_SESSION, topicId } from "@calla/shared";
import type { AnyTopicSlice, SessionSlice, Slice } from "@calla/shared";
import { useMemo } from "react";
import { useScope } from "./provider.ts";
import type { HandleOf } from "./slice-types.ts";
import type { TopicSource } from "./source.ts";

/** What all handles of topics and sessions have. */
interface AnyHandle {
  readonly state: unknown;
  readonly ready?: Promise<unknown>;
  touch(): void;
  onChange(listener: () => void): () => void;
}

/** Where there is nothing to hear. */
export const never = (): (() => void) => () => {};
/** No parameters: a session has none. */
export const NONE: readonly string[] = [];
/** Of topics of both kinds, and of their presence: nothing is known yet. */
export const LOADING = {
  status: "loading",
  code: "",
  model: undefined,
  pending: [],
  latest: new Map<never, never>(),
  list: new Map<never, never>(),
  self: undefined,
  count: 0,
  counted: false,
} as const;

/** Without a client nothing is dispatched. */
export const refuse = (): never => {
  throw new CallaError("closed");
};

function handleOf(client: Client, slice: { readonly kind: string }, params: readonly string[]): unknown {
  const handle =
    slice.kind === "session"
      ? client.session
      : slice.kind === "local"
        ? client.local
        : client.topic(slice as AnyTopicSlice, ...params);
  if (!handle) throw new CallaError("wiring");
  return handle;
}

/** The same handle as long as it is the same topic. undefined without a client. */
export function useHandle<S extends Slice>(
  slice: S,
  params: readonly string[] = NONE,
): HandleOf<S> | undefined {
  const { client } = useScope();
  return useMemo(
    () => client && (handleOf(client, slice, params) as HandleOf<S>),
    [client, slice, JSON.stringify(params)],
  );
}

/** A topic, or the session; of no parameters nothing is subscribed. */
export function useTopicSource<V>(
  slice: AnyTopicSlice | SessionSlice,
  params: readonly string[] | undefined,
): TopicSource<V> {
  const { client, hydration } = useScope();
  return useMemo(() => {
    const page = (params ? pageState(slice, params, hydration) : LOADING) as V;
    const handle = client && params && (handleOf(client, slice, params) as AnyHandle);
    return {
      page,
      read: () => {
        // Before the effects: so a page that is shown anew does not begin with nothing.
        handle?.touch();
        return handle ? (handle.state as V) : page;
      },
      onChange: handle ? handle.onChange : never,
      ready: () => handle?.ready,
    };
  }, [client, hydration, slice, JSON.stringify(params)]);
}

/** As the server has rendered it, and never what has become of it since. */
function pageState(
  slice: AnyTopicSlice | SessionSlice,
  params: readonly string[],
  hydration: Hydration | undefined,
): unknown {
  const id = slice.kind === "session" ? OWN_SESSION : topicId(slice.pattern, ...params);
  const given = hydration?.models.get(id);
  return given?.version === slice.version
    ? { status: "stale", code: "", model: given.model, pending: [] }
    : LOADING;
}
