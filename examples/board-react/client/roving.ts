// One tab stop for a whole list (examples/board has how): told of its items after each rendering.
import { useEffect, useRef } from "react";
import type { RefObject } from "react";
import { roving } from "../../board/client/roving.ts";
import type { Roving } from "../../board/client/roving.ts";

export function useRoving(list: RefObject<HTMLElement | null>, parts: string, main: string): void {
  const inside = useRef<Roving>(undefined);
  useEffect(() => {
    const { current } = list;
    if (!current) return;
    const made = roving(current, parts, main);
    inside.current = made;
    return made.stop;
  }, [list, parts, main]);
  useEffect(() => inside.current?.refresh());
}
