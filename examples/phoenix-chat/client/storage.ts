// What this browser remembers: who its user is, what was read, and what is written and not said yet. Storage may be full,
// forbidden or tampered with: then nothing is remembered, and `kept` says so.
import { isRoom, MAX_NAME, MAX_TEXT } from "../shared/chat.ts";
import type { RoomId } from "../shared/chat.ts";
import { newId, newName } from "./names.ts";
import type { Unsent } from "./outbox.ts";

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}
function write(key: string, value: unknown): boolean {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export interface Me {
  /** A secret between this browser and the server, which makes an author of it. */
  readonly key: string;
  readonly name: string;
}

export function loadMe(): Me {
  const { key, name } = (read("chat:me") ?? {}) as Partial<Me>;
  const me = {
    key: typeof key === "string" && /^[\w-]{20,64}$/.test(key) ? key : newId(),
    name: typeof name === "string" && name.trim() !== "" ? name.trim().slice(0, MAX_NAME) : newName(),
  };
  saveMe(me);
  return me;
}
export const saveMe = (me: Me): boolean => write("chat:me", me);

/** Up to which line a room was read; undefined: it was never open here. */
export function readUpTo(room: RoomId): number | undefined {
  const n = read(`chat:read:${room}`);
  return typeof n === "number" ? n : undefined;
}
export const markRead = (room: RoomId, n: number): boolean => write(`chat:read:${room}`, n);

export type UnsentOf = Unsent & { readonly room: RoomId };

/**
 * Lines that are not said yet, of all rooms. Each page keeps its own under a name of its own, and takes over what others
 * have left, also of pages that still live: both send those, and the server says them once.
 */
export class UnsentLines {
  readonly #name = `chat:unsent:${newId()}`;
  #written = "";
  /** Whether the browser has all of them. */
  kept = true;

  takeOver(): UnsentOf[] {
    const lines = new Map<string, UnsentOf>();
    const names = keys().filter((name) => name.startsWith("chat:unsent:"));
    for (const name of names) {
      const list = read(name);
      for (const line of Array.isArray(list) ? list : []) if (isUnsent(line)) lines.set(line.id, line);
    }
    const all = [...lines.values()].toSorted((a, b) => a.at - b.at);
    this.save(all);
    // Not before they are safe.
    if (this.kept) for (const name of names) write(name, undefined);
    return all;
  }

  save(lines: readonly UnsentOf[]): void {
    const text = JSON.stringify(lines);
    // Above all not by a page that is just going, whose lines another has taken over.
    if (text === this.#written) return;
    this.#written = text;
    const written = write(this.#name, lines.length === 0 ? undefined : lines);
    this.kept = written || lines.length === 0;
  }
}

function keys(): string[] {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

function isUnsent(line: unknown): line is UnsentOf {
  const { id, text, at, room, failed } = (line ?? {}) as Partial<UnsentOf>;
  return (
    typeof id === "string" &&
    typeof text === "string" &&
    text.length <= MAX_TEXT &&
    typeof at === "number" &&
    typeof room === "string" &&
    isRoom(room) &&
    (failed === undefined || typeof failed === "string")
  );
}
