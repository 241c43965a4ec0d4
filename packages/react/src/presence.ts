// Who is here, and what this client says of itself.
import type { Presence, PresenceState } from "@calla/client";
import type { AnyTopicSlice, ParamsOf, PresenceMeta } from "@calla/shared";
import { useEffect, useMemo } from "react";
import { LOADING, never, useHandle } from "./handles.ts";
import { useKept, useSource } from "./source.ts";
import type { Equal } from "./source.ts";

/** A slice with `definePresence`; of any other the compiler says this sentence. */
export type Listing<S> = [PresenceMeta<S>] extends [never]
  ? "this slice lists nobody: give it presence: definePresence(schema)"
  : S;

const usePresenceOf = <S extends AnyTopicSlice>(
  slice: unknown,
  params: readonly string[] | undefined,
): Presence<PresenceMeta<S>> | undefined =>
  (useHandle(slice as AnyTopicSlice, params) as { readonly presence: Presence<PresenceMeta<S>> } | undefined)
    ?.presence;

/**
 * Who is on a topic, or the part of it that `select` picks; compared as in `useTopic`. On the server nobody is.
 *
 * @example
 * const others = usePresence(board, [id], ({ count, self }) => count - (self ? 1 : 0));
 */
export function usePresence<S extends AnyTopicSlice>(
  slice: S & Listing<S>,
  params: ParamsOf<S>,
): PresenceState<PresenceMeta<S>>;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const count = usePresence(board, [id], ({ count }) => count);
 */
export function usePresence<S extends AnyTopicSlice, T>(
  slice: S & Listing<S>,
  params: ParamsOf<S>,
  select: (presence: PresenceState<PresenceMeta<S>>) => T,
  equal?: Equal<T>,
): T;
export function usePresence<S extends AnyTopicSlice, T>(
  slice: S & Listing<S>,
  params: ParamsOf<S>,
  select?: (presence: PresenceState<PresenceMeta<S>>) => T,
  equal?: Equal<T>,
): T {
  const presence = usePresenceOf<S>(slice, params);
  const source = useMemo(() => {
    const now = presence?.select((state) => state);
    return { page: LOADING, read: () => now?.value ?? LOADING, onChange: presence?.onChange ?? never };
  }, [presence]);
  return useSource(source, select, equal);
}

/**
 * Lists this client on a topic with `meta` for as long as the component is shown; undefined: not. A meta that says the same,
 * entry by entry, is not said again. A topic has one meta of this client, so have one component say it. What `track`
 * refuses goes to the error boundary.
 *
 * @example
 * useTrack(board, [id], { name, card: selected });
 */
export function useTrack<S extends AnyTopicSlice>(
  slice: S & Listing<S>,
  params: ParamsOf<S>,
  meta: PresenceMeta<S> | undefined,
): void {
  const presence = usePresenceOf<S>(slice, params);
  const said = useKept(meta);
  useEffect(() => {
    if (said === undefined) presence?.untrack();
    else presence?.track(said);
  }, [presence, said]);
  useEffect(() => () => presence?.untrack(), [presence]);
}
