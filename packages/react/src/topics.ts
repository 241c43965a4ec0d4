// What there is to show: topics, the session, the local slice. Not here: the same with Suspense (suspense.ts).
import type { TopicState } from "@calla/client";
import type { AnyTopicSlice, LocalSlice, ModelOf, ParamsOf, SessionSlice } from "@calla/shared";
import { useMemo } from "react";
import { never, NONE, useHandle, useTopicSource } from "./handles.ts";
import type { StateOf } from "./slice-types.ts";
import { useSource } from "./source.ts";
import type { Equal, Source } from "./source.ts";

/**
 * A topic's state, or the part of it that `select` picks, kept up to date while the component is shown. Parameters are
 * compared by what they say; without them (undefined) nothing is subscribed, and the state is `loading`. The component
 * renders again when the part has changed by `equal`: unless given, arrays and plain objects are compared entry by entry,
 * everything else by `Object.is`.
 *
 * @example
 * const title = useTopic(board, [id], ({ model }) => model?.title);
 */
export function useTopic<S extends AnyTopicSlice>(slice: S, params: ParamsOf<S> | undefined): StateOf<S>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const title = useTopic(board, [id], ({ model }) => model?.title);
 */
export function useTopic<S extends AnyTopicSlice, T>(
  slice: S,
  params: ParamsOf<S> | undefined,
  select: (state: StateOf<S>) => T,
  equal?: Equal<T>,
): T;
export function useTopic<S extends AnyTopicSlice, T>(
  slice: S,
  params: ParamsOf<S> | undefined,
  select?: (state: StateOf<S>) => T,
  equal?: Equal<T>,
): T {
  return useSource(useTopicSource<StateOf<S>>(slice, params), select, equal);
}

/**
 * The session's state, or a part of it.
 *
 * @example
 * const person = useSession(session, ({ model }) => model?.person);
 */
export function useSession<S extends SessionSlice>(slice: S): TopicState<S>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const name = useSession(session, ({ model }) => model?.name);
 */
export function useSession<S extends SessionSlice, T>(
  slice: S,
  select: (state: TopicState<S>) => T,
  equal?: Equal<T>,
): T;
export function useSession<S extends SessionSlice, T>(
  slice: S,
  select?: (state: TopicState<S>) => T,
  equal?: Equal<T>,
): T {
  return useSource(useTopicSource<TopicState<S>>(slice, NONE), select, equal);
}

/**
 * The model of the page's local slice, or a part of it.
 *
 * @example
 * const open = useLocal(local, ({ open }) => open);
 */
export function useLocal<S extends LocalSlice>(slice: S): ModelOf<S>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const open = useLocal(local, ({ open }) => open);
 */
export function useLocal<S extends LocalSlice, T>(
  slice: S,
  select: (model: ModelOf<S>) => T,
  equal?: Equal<T>,
): T;
export function useLocal<S extends LocalSlice, T>(
  slice: S,
  select?: (model: ModelOf<S>) => T,
  equal?: Equal<T>,
): T {
  return useSource(useLocalSource(slice), select, equal);
}

function useLocalSource<S extends LocalSlice>(slice: S): Source<ModelOf<S>> {
  const local = useHandle<LocalSlice>(slice);
  return useMemo(() => {
    const page = slice.initial() as ModelOf<S>;
    return {
      page,
      read: () => (local ? (local.model as ModelOf<S>) : page),
      onChange: local ? local.onChange : never,
    };
  }, [local, slice]);
}
