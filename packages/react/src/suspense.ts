// @calla/react/suspense: the same names, and models are there. A topic without one suspends; one that is refused throws to
// the error boundary.
"use client";
import type { TopicState } from "@calla/client";
import { CallaError } from "@calla/shared";
import type { ParamsOf, SessionSlice, TopicCode, TopicSlice } from "@calla/shared";
import { useMemo } from "react";
import { NONE, useTopicSource } from "./handles.ts";
import { shallow } from "./shallow.ts";
import { useSource } from "./source.ts";
import type { Equal, TopicSource } from "./source.ts";

export { CallaProvider, useClient } from "./provider.ts";
export type { CallaProviderProps } from "./provider.ts";
export { useLocal } from "./topics.ts";
export { useConnection, useDispatch, usePending, usePush, useRejection, useWrite } from "./writes.ts";
export type { DispatchOf, WriteView } from "./writes.ts";
export { usePresence, useTrack } from "./presence.ts";
export type { Listing } from "./presence.ts";
export type { HandleOf, ParamsGiven } from "./slice-types.ts";
export type { Equal } from "./source.ts";

/** The state of a topic that has a model. */
export type LoadedState<S> = Extract<TopicState<S>, { readonly status: "live" | "stale" }>;

/**
 * A topic's state, or a part of it, once there is a model; until then the component suspends. A topic that is refused throws
 * a CallaError with its code to the error boundary, also one that is missing; `client.topic(…).retain()` asks for it anew.
 * Compared as by `useTopic` of @calla/react.
 *
 * @throws CallaError the code for which the topic, or the client, is refused; `closed`.
 * @example
 * const cards = useTopic(board, [id], ({ model }) => model.cards);
 */
export function useTopic<S extends TopicSlice>(slice: S, params: ParamsOf<S>): LoadedState<S>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const title = useTopic(board, [id], ({ model }) => model?.title);
 */
export function useTopic<S extends TopicSlice, T>(
  slice: S,
  params: ParamsOf<S>,
  select: (state: LoadedState<S>) => T,
  equal?: Equal<T>,
): T;
export function useTopic<S extends TopicSlice, T>(
  slice: S,
  params: ParamsOf<S>,
  select?: (state: LoadedState<S>) => T,
  equal?: Equal<T>,
): T {
  return useLoaded(useTopicSource(slice, params), select as Select<T> | undefined, equal);
}

/**
 * The session's state, or a part of it, once there is one; until then the component suspends.
 *
 * @example
 * const person = useSession(session, ({ model }) => model.person);
 */
export function useSession<S extends SessionSlice>(slice: S): LoadedState<S>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const name = useSession(session, ({ model }) => model?.name);
 */
export function useSession<S extends SessionSlice, T>(
  slice: S,
  select: (state: LoadedState<S>) => T,
  equal?: Equal<T>,
): T;
export function useSession<S extends SessionSlice, T>(
  slice: S,
  select?: (state: LoadedState<S>) => T,
  equal?: Equal<T>,
): T {
  return useLoaded(useTopicSource(slice, NONE), select as Select<T> | undefined, equal);
}

interface Loaded {
  readonly status: string;
  readonly code?: TopicCode | "";
  readonly model: unknown;
}
type Select<T> = (state: Loaded) => T;

/** In place of what is picked: there is no model. */
class Absent {
  readonly state: Loaded;
  constructor(state: Loaded) {
    this.state = state;
  }
}

function useLoaded<T>(source: TopicSource<Loaded>, select?: Select<T>, equal?: Equal<T>): T {
  const pick = useMemo(
    () => (state: Loaded) =>
      state.model === undefined ? new Absent(state) : select ? select(state) : (state as T),
    [select],
  );
  const same = useMemo(() => {
    const given = equal ?? (select ? shallow : Object.is);
    return (a: T | Absent, b: T | Absent) => !(a instanceof Absent) && !(b instanceof Absent) && given(a, b);
  }, [equal, !select]);
  const picked = useSource<Loaded, T | Absent>(source, pick, same);
  if (!(picked instanceof Absent)) return picked;
  const { status, code } = picked.state;
  if (status === "refused") throw new CallaError(code as TopicCode);
  const ready = source.ready();
  // On the server: the fallback is rendered, and the browser goes on.
  if (!ready) throw new Error("no client");
  throw waiting(ready);
}

/** React looks only when what was thrown settles, and not at how: why there will be no model is thrown the next time. */
function waiting(ready: Promise<unknown> & { reason?: { readonly why: unknown } | null }): Promise<unknown> {
  if (ready.reason) throw ready.reason.why;
  if (ready.reason === undefined) {
    ready.reason = null;
    ready.catch((why: unknown) => {
      ready.reason = { why };
    });
  }
  return ready;
}
