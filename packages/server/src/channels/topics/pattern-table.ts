// Which of several patterns has a topic: the first that was added. Exact ones are looked up, so thousands cost no more
// than one; the others are tried in order.
import { CallaError } from "@calla/shared";
import { covers, matches } from "./pattern.ts";
import type { ChannelPattern } from "./pattern.ts";

interface Entry<T> {
  readonly pattern: ChannelPattern;
  readonly value: T;
  readonly place: number;
}

/** Patterns, each with what belongs to it. */
export class PatternTable<T> {
  readonly #exact = new Map<string, Entry<T>>();
  readonly #wild: Entry<T>[] = [];
  readonly #texts = new Set<string>();

  /** @throws CallaError `wiring`: the pattern is there already, or one before it takes all of its topics. */
  add(pattern: ChannelPattern, value: T): void {
    const { text, kind } = pattern;
    if (this.#texts.has(text))
      throw new CallaError(
        "wiring",
        { pattern: text },
        `Channel pattern ${JSON.stringify(text)} is registered twice: the second would never get a topic.`,
      );
    const before = this.#wild.find((entry) => covers(entry.pattern, pattern))?.pattern.text;
    if (before !== undefined)
      throw new CallaError(
        "wiring",
        { pattern: text, before },
        `Channel pattern ${JSON.stringify(text)} would never get a topic: ${JSON.stringify(before)}, which was registered before it, takes all of them. Register the narrower one first.`,
      );
    const entry = { pattern, value, place: this.#texts.size };
    this.#texts.add(text);
    if (kind === "exact") this.#exact.set(text, entry);
    else this.#wild.push(entry);
  }

  /** What belongs to the first pattern that takes the topic. */
  find(topic: string): { readonly pattern: ChannelPattern; readonly value: T } | undefined {
    const exact = this.#exact.get(topic);
    for (const entry of this.#wild) {
      if (exact !== undefined && exact.place < entry.place) break;
      if (matches(entry.pattern, topic)) return entry;
    }
    return exact;
  }
}
