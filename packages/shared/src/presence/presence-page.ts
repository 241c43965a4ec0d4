// `topic.presence`: what the app calls. Its code comes with the slice, so that a page whose slices list nobody does not
// carry it. Not here: when anything is said (page-presence.ts).
import { conversion } from "#dev/strict";
import { DEV } from "#dev/switch";
import { CallaError, describe } from "../base/errors.ts";
import { deepFreeze } from "../values/freeze.ts";
import { withoutUndefined } from "../values/present.ts";
import type { Serialiser } from "../wire/serialiser.ts";
import { check, issuesText } from "../wiring/standard.ts";
import type { Checked, Schema } from "../wiring/standard.ts";
import { createPagePresence } from "./page-presence.ts";
import type { AnyPresence, PagePresence, PresenceHost, PresenceTarget } from "./page-presence.ts";

export type { PresenceHook } from "./page-presence.ts";

type Stop = () => void;

/** A client, for the code of presence, with what checks a meta. */
interface Host extends PresenceHost {
  readonly serialiser: Pick<Serialiser, "normaliseDetails">;
  /** What the server takes of a frame. A value whose rough size is below `surely` needs no closer look. */
  readonly taken: { readonly surely: number };
}

/**
 * What a presence does in a page: gives the topic its `presence`. Behind the client, the topic's id and the app's handle
 * it takes functions of the client, each under its own name there.
 */
export type PresencePage = <Client extends Host, Target extends PresenceTarget>(
  host: Client,
  id: string,
  topic: object,
  targetOf: (host: Client, id: string) => Target,
  touch: (host: Client, one: Target) => void,
  retain: (host: Client, one: Target) => Stop,
  roughSize: (value: unknown) => number,
  signal: (report: (error: unknown) => void) => Changes,
  select: <T>(
    read: () => AnyPresence,
    onChange: (listener: () => void) => Stop,
    pick: (presence: AnyPresence) => T,
    host: Pick<PresenceHost, "same">,
    equal?: (a: T, b: T) => boolean,
  ) => object,
) => object;
interface Changes {
  add(listener: (now: AnyPresence) => void): Stop;
  emit(now: AnyPresence): void;
}

interface Opened extends PagePresence {
  readonly changes: Changes;
  /** Keeps the topic subscribed until the undo is called. */
  subscribe(): Stop;
  /** Holds the topic while something is tracked. */
  tracked: Stop | undefined;
}

export const presencePage =
  (schema: Schema): PresencePage =>
  (host, id, topic, targetOf, touch, retain, roughSize, signal, select) => {
    /** Of the target of now: it is made anew when nothing of it is in use. */
    const now = (): Opened => {
      const one = targetOf(host, id);
      one.presence ??= opened(one);
      return one.presence as Opened;
    };
    const opened = (one: ReturnType<typeof targetOf>): Opened => {
      const changes = signal(host.report);
      return {
        ...createPagePresence(host, one, {
          touch: () => touch(host, one),
          changes,
          read: (meta) => read(schema, meta),
        }),
        changes,
        subscribe: () => retain(host, one),
        tracked: undefined,
      };
    };
    const look = (): AnyPresence => now().look();
    /** Watched, and the topic subscribed. */
    const hold = ({ watch, subscribe }: Opened): Stop => {
      const stop = watch();
      const release = subscribe();
      return () => {
        stop();
        release();
      };
    };
    const onChange = (listener: (presence: AnyPresence) => void): Stop => {
      const one = now();
      const release = hold(one);
      one.listens(1);
      let stop: Stop | undefined = one.changes.add(listener);
      return () => {
        if (!stop) return;
        stop();
        stop = undefined;
        one.listens(-1);
        release();
      };
    };
    const presence = {
      get status() {
        return look().status;
      },
      get list() {
        return look().list;
      },
      get self() {
        return look().self;
      },
      get count() {
        return look().count;
      },
      get counted() {
        return look().counted;
      },
      onChange,
      select: (pick: (presence: AnyPresence) => unknown, equal?: (a: unknown, b: unknown) => boolean) =>
        select(look, onChange, pick, host, equal),
      retain: () => hold(now()),
      track(given: unknown) {
        if (host.closed) throw new CallaError("closed");
        const one = now();
        const meta = accepted(host, schema, given, roughSize, id);
        one.track(meta);
        one.tracked ??= hold(one);
      },
      untrack() {
        const one = now();
        one.untrack();
        one.tracked?.();
        one.tracked = undefined;
      },
      page(after = 0) {
        if (host.closed) return Promise.reject(new CallaError("closed"));
        const one = now();
        return one.ask(after).finally(one.subscribe());
      },
    };
    return Object.assign(topic, { presence });
  };

/** A meta as it is here; undefined: it does not match the schema. */
function read(schema: Schema, meta: unknown): unknown {
  const checked = checkedBy(schema, meta);
  return checked.ok ? checked.value : undefined;
}

/** Whatever the schema does with it. */
function checkedBy(schema: Schema, meta: unknown): Checked {
  try {
    const checked = check(schema, withoutUndefined(meta));
    return checked.ok ? { ok: true, value: withoutUndefined(checked.value) } : checked;
  } catch (error) {
    return { ok: false, issues: [{ message: DEV ? `the schema failed: ${describe(error)}` : "", path: [] }] };
  }
}

/**
 * What the app says of itself, as every reader will get it, and frozen.
 *
 * @throws CallaError `invalid`, `invalid-value`, `too-large`, before anything has happened.
 */
function accepted(
  { serialiser, strict, taken }: Host,
  schema: Schema,
  given: unknown,
  roughSize: (meta: unknown) => number,
  target: string,
): unknown {
  const checked = checkedBy(schema, given);
  const issues = checked.ok ? [] : checked.issues;
  if (!checked.ok || checked.value === undefined)
    throw new CallaError(
      "invalid",
      { target, issues },
      DEV &&
        (checked.ok
          ? `presence.track("${target}") was given nothing; untrack() takes away what is there.`
          : `The presence of "${target}" does not take this meta: ${issuesText(checked.issues)}.`),
    );
  const converts = DEV && strict && conversion(schema, checked.value);
  if (converts)
    throw new CallaError("strict", { target }, `The schema of the presence of "${target}" ${converts}`);
  const meta = deepFreeze(serialiser.normaliseDetails(checked.value));
  const most = taken.surely;
  if (roughSize(meta) >= most)
    throw new CallaError(
      "too-large",
      { target, most },
      DEV && `A meta on "${target}" is of ${most} bytes or more. Track an id, and what is large elsewhere.`,
    );
  return meta;
}
