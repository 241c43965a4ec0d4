// What a component hears of, once, and what it shows of the connection.
"use client";
import type { ClientStatus, Pushed, RejectedWrite } from "@calla/client";
import type { AnyTopicSlice, MessageOf, ParamsOf, SessionSlice } from "@calla/shared";
import { useEffect, useMemo } from "react";
import { never, useHandle } from "./handles.ts";
import { useScope } from "./provider.ts";
import { useNewest, useSource } from "./source.ts";
import type { Equal } from "./source.ts";

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
