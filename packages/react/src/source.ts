// One part of something that has a value and listeners, as a component shows it: by useSyncExternalStore, so that what is
// on the screen at one time is of one time. Not here: where values come from (handles.ts).
import { memo } from "@calla/client";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { shallow } from "./shallow.ts";

type Stop = () => void;

export interface Source<V> {
  readonly read: () => V;
  readonly onChange: (listener: () => void) => Stop;
  /** What the page was rendered with: on the server, and in the browser until that is taken over. */
  readonly page: V;
}

/** Of a topic: its state, and when there will be a model. */
export interface TopicSource<V> extends Source<V> {
  readonly ready: () => Promise<unknown> | undefined;
}

/** Whether two picks say the same, so that the component need not render again. */
export type Equal<T> = (a: T, b: T) => boolean;

const all = (value: unknown): unknown => value;

/** Without `select` the whole value, which is the same object until something in it changes. */
export function useSource<V, T>(
  { read, onChange, page }: Source<V>,
  select?: (value: V) => T,
  equal: Equal<T> = select ? shallow : Object.is,
): T {
  /** What is on the screen: the next `select`, a new function in most renders, goes on from there. */
  const shown = useRef<{ readonly value: T } | undefined>(undefined);
  const pick = useMemo(() => memo((select ?? all) as (value: V) => T, equal, shown.current), [select, equal]);
  const value = useSyncExternalStore(
    onChange,
    () => pick(read()),
    () => pick(page),
  );
  useEffect(() => {
    shown.current = { value };
  }, [value]);
  return value;
}

/** The former value as long as the new one says the same. */
export const useKept = <T>(value: T): T => useMemo(() => memo(all as (value: T) => T, shallow), [])(value);

/** The same callback for ever, which calls the newest. */
export function useNewest<A>(heard: (given: A) => void): (given: A) => void {
  const newest = useRef(heard);
  useEffect(() => {
    newest.current = heard;
  });
  return useMemo(() => (given) => newest.current(given), []);
}
