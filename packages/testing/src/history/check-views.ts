// What was shown: always a place of the target's one history with the pending dispatches on top, never an earlier one
// than before, never without one's own acknowledged writes, and never twice the same.
import { applyMessages, migrateMessages, OWN_SESSION, sameInOrder, sameValue } from "@calla/shared";
import type { Message, ModelSlice, TargetKey } from "@calla/shared";
import type { LogRecord } from "@calla/server";
import type { Archived, Place } from "./archive.ts";
import { targetKeys } from "./check-outcomes.ts";
import type { History, HistoryEvent, Violation } from "./history.ts";
import { modelIn, modelNow, namesOf, sliceIn } from "./versions.ts";
import type { Slices } from "./versions.ts";

type Shown = Extract<HistoryEvent, { type: "shown" }>;

/** The earliest place that a client's confirmed model can be at, by what it has shown so far. */
interface Floor {
  path: number;
  sequence: number;
}

export function checkViews({ events, archive, quiet, users }: History): Violation[] {
  const found: Violation[] = [];
  const break_ = (rule: string, what: string): void => void found.push({ rule, what });
  const keysOf = targetKeys(events);
  const times = new Map<string, number>();
  const names = new Map<string, Extract<HistoryEvent, { type: "dispatched" }>>();
  /** Who dispatched what the log has. */
  const authors = new Map<string, LogRecord["author"]>();
  for (const [target, { paths }] of archive)
    for (const { places } of paths)
      for (const { record } of places) if (record) authors.set(`${target} ${record.id}`, record.author);
  for (const event of events) {
    if (event.type === "stored") times.set(event.id, event.at);
    else if (event.type === "dispatched") names.set(event.id, event);
  }
  /** How far each path of each target has got. */
  const tips = new Map<TargetKey, number[]>();
  const tipsOf = (key: TargetKey): number[] => {
    let tip = tips.get(key);
    if (tip === undefined) tips.set(key, (tip = [0]));
    return tip;
  };
  const floors = new Map<string, Floor>();
  const before = new Map<string, Shown>();
  /** What each client's storage has of each target. */
  const kept = new Map<string, number>();
  const keeping = new Set<number>();
  /** From where a page may show a target that was stored, until it is live. */
  const fresh = new Map<string, Floor>();
  /** What was durable before its caller was told, by client and target. */
  const applied = new Map<string, { readonly id: string; readonly sequence: number }[]>();

  const durable = new Set<string>();

  for (const event of events) {
    if (event.type === "appended") tipsOf(event.target)[event.path] = event.sequence;
    else if (event.type === "stored" && event.stage === "durable") durable.add(event.id);
    else if (event.type === "rewound") tipsOf(event.target).push(event.to);
    else if (event.type === "told" && event.told.is === "applied") {
      const { told, client, id, target } = event;
      const own = `${client} ${target}`;
      // What no storage had does not survive a reload: `queued` said so.
      if (durable.has(id)) applied.set(own, [...(applied.get(own) ?? []), { id, sequence: told.sequence }]);
      for (const key of keysOf(event.target, client))
        raise(
          archive.get(key)?.paths.slice(0, tipsOf(key).length),
          floors,
          `${client} ${key}`,
          id,
          told.sequence,
        );
    } else if (event.type === "listens") {
      const name = `${event.client}/${event.page} ${event.target}`;
      before.delete(`${name} state`);
      before.delete(`${name} model`);
      const sequence = kept.get(`${event.client} ${event.target}`) ?? 0;
      if (keeping.has(event.client)) fresh.set(name, { path: 0, sequence });
    } else if (event.type === "kept") {
      const { client, target, sequence } = event;
      keeping.add(client);
      if (target !== null) kept.set(`${client} ${target}`, sequence);
      else for (const name of kept.keys()) if (name.startsWith(`${client} `)) kept.delete(name);
    } else if (event.type === "shown") shown(event);
  }

  /** As whom a page predicts a dispatch, and as whom it was applied: under another name where the client has a new one. */
  function authorsOf({ client, page, target, as }: Shown, id: string, keys: readonly TargetKey[]) {
    const dispatched = names.get(id);
    // A later page of the client knows for whom it speaks.
    const userId = (as ? as.userId : dispatched?.page === page ? dispatched.userId : users[client]) ?? null;
    const clientId = as?.clientId;
    if (clientId === undefined) return [{ userId, visitor: "" }] as const;
    const now = namesOf({ clientId, userId }, target);
    const former = keys.map((key) => authors.get(`${key} ${id}`)).find((one) => one);
    if (!former || former.userId !== userId) return [now] as const;
    const logged = namesOf(former, target);
    return logged.visitor === now.visitor ? ([now] as const) : ([now, logged] as const);
  }

  function shown(event: Shown): void {
    const { client, page, target, model, listener } = event;
    const page_ = `${client}/${page} ${target}`;
    const name = `${page_} ${listener}`;
    const former = before.get(name);
    before.set(name, event);
    if (former !== undefined && sameShown(former, event))
      break_("HC10", `${target}: client ${client}'s ${listener} listener was called and nothing had changed`);
    if (model === undefined || listener === "model") return;
    const keys = keysOf(target, client);
    // A session that was never written to has no name in the log yet.
    if (target === OWN_SESSION && keys.length === 0) return;
    // A page that ended before it could store a message took the time of its prediction with it.
    if (event.pending.some(({ id }) => !times.has(id))) return;
    const acts = event.pending.map(({ id, messages }) => ({
      id,
      messages: messages as readonly Message[],
      at: times.get(id) ?? 0,
      authors: authorsOf(event, id, keys),
    }));
    const pendingIds = new Set(acts.map(({ id }) => id));
    // What is known to be applied keeps the name under which it was, and what was dispatched first is known first. A page
    // may not know of any yet, or of all.
    const known = acts.flatMap((act, i) => (act.authors.length > 1 ? [i + 1] : []));
    const withPending = (slice: ModelSlice, confirmed: unknown, first: number): unknown => {
      let visible = confirmed;
      for (const [i, { id, messages, at, authors: by }] of acts.entries()) {
        const { userId, visitor } = (i < first ? by[1] : undefined) ?? by[0];
        const result = applyMessages(
          slice,
          visible,
          messages,
          { at, userId, visitor, messageId: id },
          { strict: false },
        );
        if (result.ok) visible = result.model;
      }
      return visible;
    };
    /** Whether a place looks like that in the page's version. */
    const looksAt = ({ slices }: Archived, place: Place | undefined): boolean => {
      const version = event.version ?? slices.at(-1)!.version;
      const confirmed = place && modelIn(slices, place, version);
      if (confirmed === undefined) return false;
      const slice = sliceIn(slices, version);
      return [0, ...known].some((first) => sameValue(withPending(slice, confirmed.model, first), model));
    };
    let unknown = false;
    for (const key of keys) {
      const one = archive.get(key);
      if (one === undefined) {
        unknown = true;
        continue;
      }
      // What was stored may be behind what an earlier page has shown; but with one's own that was acknowledged on top.
      const stored = event.status === "live" ? undefined : fresh.get(page_);
      const floor = stored ?? floors.get(`${client} ${key}`) ?? { path: 0, sequence: 0 };
      const place = earliest(
        one,
        tipsOf(key),
        floor,
        pendingIds,
        (at) =>
          looksAt(one, one.paths[at.path]!.places[at.sequence]) &&
          (stored === undefined ||
            hasOwn(one, at, applied.get(`${client} ${target}`), pendingIds, event.version)),
      );
      if (place === undefined) continue;
      if (stored === undefined) {
        fresh.delete(page_);
        floors.set(`${client} ${key}`, place);
      } else fresh.set(page_, place);
      return;
    }
    if (unknown) return;
    const anywhere = keys.some((key) => {
      const one = archive.get(key)!;
      return one.paths.some((path) => without(pendingIds, path).some((place) => looksAt(one, place)));
    });
    if (anywhere) {
      const floor = floors.get(`${client} ${keys[0]}`);
      break_(
        "HC8",
        `${target}: client ${client} went back to before ${floor?.sequence} (or lost an acknowledged write of its own)`,
      );
    } else
      break_(
        "HC7",
        `${target}: client ${client} showed what is no place of the log with its pending messages on top: ${preview(model)} with ${acts.length} pending`,
      );
  }

  if (quiet !== undefined && quiet.problem === undefined) {
    for (const { client, page, target, status, model, pending } of quiet.clients) {
      const models = keysOf(target, client).map((key) => {
        const { slices, paths } = archive.get(key) ?? {};
        return slices && modelNow(slices, paths!.at(-1)!.places.at(-1)!);
      });
      if (pending > 0) break_("HC11", `${target}: client ${client} has ${pending} pending after quiet`);
      if (status === "refused") continue;
      if (status !== "live") break_("HC11", `${target}: client ${client} is ${status} after quiet`);
      const server = quiet.servers.find((one) => one.target === target)?.model;
      const expected = target === OWN_SESSION ? models.at(-1) : server;
      if (expected !== undefined && !sameInOrder(model, expected))
        break_(
          "HC11",
          `${target}: client ${client} shows ${preview(model)}, the server has ${preview(expected)}`,
        );
      const last = before.get(`${client}/${page} ${target} state`);
      if (last !== undefined && !sameInOrder(last.model, model))
        break_("HC9", `${target}: client ${client}'s listener last heard another model than there is`);
    }
  }
  return found;
}

/** The places before any that holds a message which is still pending: there its author would see it twice. */
function without(pending: ReadonlySet<string>, { places }: Archived["paths"][number]): readonly Place[] {
  const own =
    pending.size === 0
      ? -1
      : places.findIndex(({ record }) => record !== undefined && pending.has(record.id));
  return own < 0 ? places : places.slice(0, own);
}

/** The earliest place from the floor on where `fits` holds: on its own path, or on one that a rewind began since. */
function earliest(
  { paths }: Archived,
  tips: readonly number[],
  floor: Floor,
  pending: ReadonlySet<string>,
  fits: (at: Floor) => boolean,
): Floor | undefined {
  let { sequence } = floor;
  for (let path = floor.path; path < tips.length; path++) {
    // What the rewind kept is not gone back behind; what it cut off is.
    if (path > floor.path) sequence = Math.min(sequence, paths[path]!.from);
    const places = without(pending, paths[path]!);
    for (let at = sequence; at <= tips[path]! && at < places.length; at++) {
      if (fits({ path, sequence: at })) return { path, sequence: at };
    }
  }
  return undefined;
}

/** Whether what one was told is applied in this history is at the place, or shown on top of it, if the page can tell. */
const hasOwn = (
  { paths, slices }: Archived,
  { path, sequence }: Floor,
  own: readonly { readonly id: string; readonly sequence: number }[] = [],
  pending: ReadonlySet<string>,
  version = slices.at(-1)!.version,
): boolean =>
  own.every((write) => {
    if (write.sequence <= sequence || pending.has(write.id)) return true;
    const record = paths[path]!.places[write.sequence]?.record;
    return record?.id !== write.id || !hasMeaning(slices, record, version);
  });

/** Whether a version can predict what a record says: some of an older version's messages mean nothing any more (VE7). */
const hasMeaning = (slices: Slices, { version: from, messages }: LogRecord, version: number): boolean =>
  from === version || migrateMessages(sliceIn(slices, version), messages, from, "client").ok;

/** Whoever was told that its write is applied must see it from then on. */
function raise(
  paths: Archived["paths"] | undefined,
  floors: Map<string, Floor>,
  name: string,
  id: string,
  sequence: number,
): void {
  if (paths === undefined) return;
  const floor = floors.get(name) ?? { path: 0, sequence: 0 };
  // In a history that was cut off since, or in one that this client has not been shown yet: nothing follows from it.
  if (paths[floor.path]!.places[sequence]?.record?.id !== id) return;
  floors.set(name, { path: floor.path, sequence: Math.max(floor.sequence, sequence) });
}

function sameShown(a: Shown, b: Shown): boolean {
  if (a.listener === "model") return sameInOrder(a.model, b.model);
  return (
    a.status === b.status &&
    a.code === b.code &&
    sameInOrder(a.model, b.model) &&
    a.pending.length === b.pending.length &&
    a.pending.every(
      ({ id, messages, skipped }, i) =>
        id === b.pending[i]!.id &&
        messages === b.pending[i]!.messages &&
        sameValue(skipped, b.pending[i]!.skipped),
    )
  );
}

const preview = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
