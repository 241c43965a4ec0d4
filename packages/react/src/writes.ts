// What a component dispatches, and what becomes of it.
"use client";
import type { PendingOf, Write, WriteState } from "@calla/client";
import type { SessionSlice, Slice, TopicSlice } from "@calla/shared";
import { useMemo, useSyncExternalStore } from "react";
import { never, NONE, refuse, useHandle, useTopicSource } from "./handles.ts";
import type { HandleOf, ParamsGiven } from "./handles.ts";
import { useSource } from "./source.ts";

/** `dispatch` of a topic, the session or the local slice. */
export type DispatchOf<S extends Slice> = HandleOf<S>["dispatch" & keyof HandleOf<S>];

/**
 * The `dispatch` of a topic, the session or the local slice: the same function as long as it is the same topic. Subscribes
 * to nothing. Without a client it throws `closed`.
 *
 * @example
 * const dispatch = useDispatch(board, [id]);
 * const write = dispatch({ type: "cardAdded", id: crypto.randomUUID(), text });
 */
export function useDispatch<S extends Slice>(slice: S, ...[params]: ParamsGiven<S>): DispatchOf<S> {
  const handle = useHandle(slice, params) as { readonly dispatch: DispatchOf<S> } | undefined;
  return handle ? handle.dispatch : (refuse as DispatchOf<S>);
}

/**
 * What was dispatched to a topic, or the session, here and has no outcome yet, in order. Subscribes.
 *
 * @example
 * const unsaved = usePending(board, [id]).length > 0;
 */
export function usePending<S extends TopicSlice | SessionSlice>(
  slice: S,
  ...[params]: ParamsGiven<S>
): readonly PendingOf<S>[] {
  return useSource(
    useTopicSource<{ readonly pending: readonly PendingOf<S>[] }>(slice, params ?? NONE),
    pendingOf,
  );
}
const pendingOf = <P>({ pending }: { readonly pending: P }): P => pending;

/** How far a dispatch has come. The same object until it has come further. */
export interface WriteView<R> {
  readonly state: WriteState;
  /** Why it was rejected; undefined unless it was. */
  readonly reason: R | undefined;
}

/**
 * How far a dispatch has come; undefined for none.
 *
 * @example
 * const [write, setWrite] = useState<WriteOf<typeof board>>();
 * const { state, reason } = useWrite(write) ?? {};
 */
export function useWrite<R>(write: Write<readonly unknown[], R>): WriteView<R>;
/**
 * The same, of a dispatch that there may be.
 *
 * @example
 * const state = useWrite(write)?.state;
 */
export function useWrite<R>(write: Write<readonly unknown[], R> | undefined): WriteView<R> | undefined;
export function useWrite<R>(write: Write<readonly unknown[], R> | undefined): WriteView<R> | undefined {
  // `onChange` of one write is the same for as long as it is that write.
  const onChange = useMemo(
    () => (write ? (listener: () => void) => write.onChange(listener) : never),
    [write],
  );
  const now = (): unknown => write?.reason ?? write?.state;
  const said = useSyncExternalStore(onChange, now, now);
  return useMemo(() => write && { state: write.state, reason: write.reason }, [write, said]);
}
