// Who types, as far as was heard lately; and when to tell others that one types oneself.
import type { Typing } from "../shared/chat.ts";

/** Milliseconds after which somebody of whom nothing more is heard does not type any more. */
export const TYPING_LASTS = 5_000;
/** Milliseconds by which a timer may run early: whoever looks then must not see somebody type who is never looked at again. */
export const EARLY = 20;
/** Milliseconds: so often is told that somebody still types. */
const TOLD_EVERY = 2_000;

/** `now`: milliseconds of a clock that is never set, here and below. */
export class Typists {
  readonly #heard = new Map<string, { readonly name: string; readonly at: number }>();

  heard({ author, name, typing }: Typing, now: number): void {
    this.#heard.delete(author);
    if (typing) this.#heard.set(author, { name, at: now });
  }

  /** Whoever has said something does not type it any more. */
  said(author: string): void {
    this.#heard.delete(author);
  }

  /** Nothing is known of anybody any more. */
  clear(): void {
    this.#heard.clear();
  }

  names(now: number): string[] {
    return [...this.#heard.values()].flatMap(({ name, at }) => (now - at < TYPING_LASTS ? [name] : []));
  }
}

/** "Ann types …", "Ann and Bo type …" */
export function typingSentence(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing …`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing …`;
  return "Several people are typing …";
}

/** Says when others must be told: that one begins, from time to time that one goes on, and once that one has stopped. */
export class TypingSignal {
  #toldAt: number | undefined;

  /** What to tell now, with this text in the field. */
  changed(text: string, now: number): boolean | undefined {
    if (text.trim() === "") {
      const told = this.#toldAt !== undefined && now - this.#toldAt < TYPING_LASTS;
      this.#toldAt = undefined;
      return told ? false : undefined;
    }
    if (this.#toldAt !== undefined && now - this.#toldAt < TOLD_EVERY) return undefined;
    this.#toldAt = now;
    return true;
  }

  /** The text was sent: that ends it for everybody who hears the line. */
  sent(): void {
    this.#toldAt = undefined;
  }
}
