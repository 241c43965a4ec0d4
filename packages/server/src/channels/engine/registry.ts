// Which channel a topic is: the first registered whose pattern matches.
import { CallaError } from "@calla/shared";
import type { ChannelDefinition } from "../definition/definition.ts";
import { PatternTable } from "../topics/pattern-table.ts";
import { extractWildcards, parsePattern } from "../topics/pattern.ts";
import type { Route } from "./channels-context.ts";

const MOST_SHOWN = 20;

export class ChannelRegistry {
  readonly #table = new PatternTable<ChannelDefinition>();
  readonly #strictPhoenix: boolean;
  #shown: readonly string[] = [];

  constructor(strictPhoenix: boolean) {
    this.#strictPhoenix = strictPhoenix;
  }

  /** @throws CallaError `wiring`: the pattern is none, or is registered. */
  add(pattern: string, definition: ChannelDefinition | undefined): void {
    if (definition === undefined)
      throw new CallaError("wiring", { pattern }, `register("${pattern}") needs what defineChannel gives.`);
    this.#table.add(parsePattern(pattern, { strictPhoenix: this.#strictPhoenix }), definition);
    if (this.#shown.length < MOST_SHOWN) this.#shown = [...this.#shown, pattern];
  }

  /** The first of what is registered, for sentences and records. */
  get patterns(): readonly string[] {
    return this.#shown;
  }

  routeOf(topic: string): Route | undefined {
    const found = this.#table.find(topic);
    if (found === undefined) return undefined;
    return { definition: found.value, params: extractWildcards(found.pattern, topic) ?? [] };
  }
}
