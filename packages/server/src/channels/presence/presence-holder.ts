// What one holder wants to be tracked on one topic: a channel of a client, or the app itself. It owns that wish; the tracker
// is told of it, and told again where it has begun anew.
import { CallaError, describe, isBytes } from "@calla/shared";
import type { Schema } from "@calla/shared";
import type { Tracker } from "../../presence/tracker.ts";
import { tagOf } from "../../presence/state/entry.ts";
import { fitting } from "../definition/schema.ts";
import type { JsonObject } from "../wire/message.ts";
import { jsonText } from "../wire/json.ts";

/** Ceilings of what one holder tracks. */
export interface PresenceBounds {
  readonly maxPresenceBytes: number;
  readonly maxPresenceKeys: number;
}

/** What a holder needs of who keeps all of them. */
export interface HolderKeeper {
  readonly tracker: Tracker;
  readonly bounds: PresenceBounds;
  /** Nobody is tracked any more. */
  readonly stopped: boolean;
  /** It tracks something from now on. */
  begins(holder: PresenceHolder): void;
  /** It tracks nothing any more. */
  ends(holder: PresenceHolder): void;
}

export class PresenceHolder {
  readonly #keeper: HolderKeeper;
  readonly #topic: string;
  readonly #name: string;
  readonly #schema: Schema | undefined;
  readonly #metas = new Map<string, JsonObject>();
  #over = false;

  /** `topic` and `name` are the tracker's own. */
  constructor(keeper: HolderKeeper, topic: string, name: string, schema: Schema | undefined) {
    this.#keeper = keeper;
    this.#topic = topic;
    this.#name = name;
    this.#schema = schema;
  }

  /** It tracks something. */
  get tracks(): boolean {
    return this.#metas.size > 0;
  }

  /**
   * Gives the ref; "": nobody is tracked any more, or who heard of it has ended it.
   *
   * @throws CallaError as `ChannelPresence.track` says.
   */
  track(key: string, given: unknown): string {
    const { bounds } = this.#keeper;
    // It runs code of the app's, which may end this.
    const meta = this.#checked(given);
    if (this.#over || this.#keeper.stopped) return "";
    if (this.#metas.has(key))
      throw new CallaError(
        "exists",
        { key },
        `This is tracked under ${JSON.stringify(key)} already: update(key, meta) changes it, untrack(key) ends it.`,
      );
    if (this.#metas.size >= bounds.maxPresenceKeys)
      throw tooLarge(
        "maxPresenceKeys",
        bounds.maxPresenceKeys,
        this.#metas.size + 1,
        "One holder has that many keys",
      );
    if (this.#metas.size === 0) this.#keeper.begins(this);
    // Before the tracker tells it: who hears of it may end this, which ends what it finds here.
    this.#metas.set(key, meta);
    try {
      return this.#keeper.tracker.track(this.#topic, this.#name, key, meta) ? this.#refOf(key) : "";
    } catch (error) {
      // It is no wish then.
      this.#forget(key);
      throw error;
    }
  }

  /** Throws as `track`. @throws CallaError `unknown`: it is not tracked under this key. */
  update(key: string, given: unknown): string {
    const before = this.#metas.get(key);
    if (before === undefined)
      throw new CallaError(
        "unknown",
        { key },
        `Nothing is tracked under ${JSON.stringify(key)}: track(key, meta) begins it.`,
      );
    const meta = this.#checked(
      typeof given === "function" ? (given as (before: JsonObject) => unknown)(before) : given,
    );
    // What made the meta may have ended it.
    if (!this.#metas.has(key)) return "";
    this.#metas.set(key, meta);
    this.#keeper.tracker.update(this.#topic, this.#name, key, meta);
    return this.#refOf(key);
  }

  /** False: it was not tracked. */
  untrack(key: string): boolean {
    if (!this.#forget(key)) return false;
    this.#keeper.tracker.untrack(this.#topic, this.#name, key);
    return true;
  }

  /** It tracks nothing any more, and never will. */
  end(): void {
    this.#over = true;
    this.untrackAll();
  }

  untrackAll(): void {
    for (const key of Array.from(this.#metas.keys())) this.untrack(key);
  }

  /** Tells a tracker that has begun anew all of it. */
  trackAgain(): void {
    for (const [key, meta] of this.#metas) this.#keeper.tracker.track(this.#topic, this.#name, key, meta);
  }

  #forget(key: string): boolean {
    const was = this.#metas.delete(key);
    if (was && this.#metas.size === 0) this.#keeper.ends(this);
    return was;
  }

  #refOf(key: string): string {
    const entry = this.#keeper.tracker.ownEntry(this.#topic, this.#name, key);
    return entry === undefined ? "" : tagOf(entry);
  }

  /** As all nodes will have it: JSON and nothing else, without refs (CP9), and nobody else's object. */
  #checked(given: unknown): JsonObject {
    const meta = this.#schema === undefined ? given : fits(this.#schema, given);
    if (!isObject(meta) || isBytes(meta))
      throw new CallaError("invalid", { meta }, "A meta of presence is an object: track(key, { … }).");
    const { phx_ref: _, phx_ref_prev: __, ...said } = meta as JsonObject;
    let text: string;
    try {
      text = jsonText(said);
    } catch (error) {
      throw new CallaError("invalid", { meta }, `A meta of presence is JSON. ${describe(error)}`);
    }
    const { maxPresenceBytes } = this.#keeper.bounds;
    const bytes = Buffer.byteLength(text);
    if (bytes > maxPresenceBytes)
      throw tooLarge("maxPresenceBytes", maxPresenceBytes, bytes, `A meta of presence has ${bytes} bytes`);
    const own = JSON.parse(text) as unknown;
    // It writes itself as something else (`toJSON`).
    if (!isObject(own))
      throw new CallaError("invalid", { meta }, "A meta of presence is an object, and its JSON is none.");
    return own;
  }
}

const isObject = (meta: unknown): meta is JsonObject =>
  typeof meta === "object" && meta !== null && !Array.isArray(meta);

function fits(schema: Schema, given: unknown): unknown {
  const checked = fitting(schema, given);
  if (checked instanceof Promise) {
    // Nobody waits for it, and its rejection must not end the process.
    checked.catch(() => undefined);
    throw new CallaError(
      "wiring",
      {},
      "The schema of presence metas is asynchronous: it decides at once, so that what is tracked is told in order.",
    );
  }
  if (checked.ok) return checked.value;
  const { issues } = checked;
  const what = issues.map(({ path, message }) => [...path, message].join(": ")).join("; ");
  throw new CallaError("invalid", { issues }, `The meta does not fit the schema of its channel: ${what}`);
}

const tooLarge = (limit: keyof PresenceBounds, max: number, value: number, what: string): CallaError =>
  new CallaError(
    "too-large",
    { limit, max, value },
    `${what}, and limits.${limit} is ${max}: make it smaller, or raise createChannels({ limits: { ${limit} } }).`,
  );
