// What a component dispatches and what becomes of it, and what it hears of: the connection, pushes, rejections.
import type { ClientStatus, PendingOf, Pushed, RejectedWrite, Write, WriteState } from "@calla/client";
import type { AnyTopicSlice, MessageOf, ParamsOf, SessionSlice, Slice, TopicSlice } from "@calla/shared";
import { useEffect, useMemo } from "react";
import { never, NONE, refuse, useHandle, useTopicSource } from "./handles.ts";
import { useScope } from "./provider.ts";
import type { HandleOf, ParamsGiven } from "./slice-types.ts";
import { useNewest, useSource } from "./source.ts";
import type { Equal } from "./source.ts";

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
  const source = useMemo(() => {
    const read = (): unknown => write?.reason ?? write?.state;
    return {
      page: read(),
      read,
      onChange: (listener: () => void) => (write ? write.onChange(listener) : never()),
    };
  }, [write]);
  const said = useSource(source);
  return useMemo(() => write && { state: write.state, reason: write.reason }, [write, said]);
}

const OFFLINE: ClientStatus = {
  connection: "offline",
  reason: "",
  text: "",
  pending: 0,
  held: [],
  storage: "working",
};

/**
 * How the client's connection is, how much is unsent and whether the storage works, or a part of that; compared as in
 * `useTopic`. On the server it is offline.
 *
 * @example
 * const { connection, pending } = useConnection();
 */
export function useConnection(): ClientStatus;
/**
 * The part of it that `select` picks.
 *
 * @example
 * const unsent = useConnection(({ pending }) => pending);
 */
export function useConnection<T>(select: (status: ClientStatus) => T, equal?: Equal<T>): T;
export function useConnection<T>(select?: (status: ClientStatus) => T, equal?: Equal<T>): T {
  const { client } = useScope();
  const source = useMemo(
    () => ({
      page: OFFLINE,
      read: () => (client ? client.status : OFFLINE),
      onChange: client ? client.onStatus : never,
    }),
    [client],
  );
  return useSource(source, select, equal);
}

/**
 * Subscribes, and calls the newest `heard` for what is pushed to the topic's subscribers, as `topic.onPush`.
 *
 * @example
 * usePush(cursors, [id], ({ message, from }) => flash(from, message));
 */
export function usePush<S extends AnyTopicSlice>(
  slice: S,
  params: ParamsOf<S>,
  heard: (pushed: Pushed<MessageOf<S>>) => void,
): void {
  const topic = useHandle<AnyTopicSlice>(slice, params);
  const newest = useNewest(heard);
  useEffect(() => topic?.onPush(newest as (pushed: Pushed<never>) => void), [topic, newest]);
}

/**
 * Calls the newest `heard` for every rejected message to the slice's topics, or the session, also for those that an earlier
 * page had dispatched, as `client.onRejection`.
 *
 * @example
 * useRejection(board, ({ params: [id], rejection }) => toast(id, sentenceOf(rejection)));
 */
export function useRejection<S extends AnyTopicSlice | SessionSlice>(
  slice: S,
  heard: (rejected: RejectedWrite<S>) => void,
): void {
  const { client } = useScope();
  const newest = useNewest(heard);
  useEffect(
    () => client?.onRejection(slice as never, newest as (rejected: RejectedWrite<never>) => void),
    [client, slice, newest],
  );
}
