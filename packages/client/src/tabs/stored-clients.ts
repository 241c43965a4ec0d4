// Clients as a key-value store has them: by which keys, what is read of one, and which keys each change writes. In all
// it comes to what `applyChange` (storage/storage.ts) says. Not here: who may write a client (claimed-client.ts).
//   generation                            another one after everyone was forgotten, and nobody has that of before (OB35)
//   client/<id>/owner                     whose it is, with its identity
//   client/<id>/token                     of the page that took it last (TB3)
//   client/<id>/used                      when it was last taken or written to, to the hour
//   of/<id>/entry/<mid>/<target>          a dispatch
//   of/<id>/settled/<mid>/<target>        its sequence, where it is settled and an older stored model lacks it (OB6)
//   of/<id>/target/<target>, /model/…     the target's mids; its confirmed model
import type { TargetKey } from "@calla/shared";
import type {
  ClientChange,
  Owner,
  StorageChange,
  StoredClient,
  StoredEntry,
  StoredIdentity,
  StoredModel,
  StoredTarget,
} from "../storage/storage.ts";
import type { KeyValueStore } from "./key-value-store.ts";

export const GENERATION = "generation";
const CLIENTS = "client/";
export const allOf = (id: string): readonly string[] => [`${CLIENTS}${id}/`, `of/${id}/`];
export const tokenKey = (id: string): string => `${CLIENTS}${id}/token`;
export const usedKey = (id: string): string => `${CLIENTS}${id}/used`;
export const ownerKey = (id: string): string => `${CLIENTS}${id}/owner`;

/** Whose a stored client is. An absent user is left out, as structured clone and JSON would differ about it. */
export interface StoredOwner extends Owner {
  readonly identity?: StoredIdentity;
}

export const ownerOf = ({ server, user }: Owner): StoredOwner =>
  ({ server, ...(user === undefined ? {} : { user }) }) as StoredOwner;

/** One client in the store. */
export interface ListedClient extends StoredOwner {
  readonly id: string;
  readonly token: string;
  readonly usedAt: number;
}

/** A server's clients, the last used first. */
export async function listClients(store: KeyValueStore, server: string): Promise<readonly ListedClient[]> {
  const values = await store.read(CLIENTS);
  const found: ListedClient[] = [];
  for (const [key, value] of values) {
    const [, id = "", kind] = key.split("/");
    const owner = value as StoredOwner;
    if (kind === "owner" && owner.server === server)
      found.push({
        ...owner,
        user: owner.user,
        id,
        token: values.get(tokenKey(id)) as string,
        usedAt: values.get(usedKey(id)) as number,
      });
  }
  return found.toSorted((a, b) => b.usedAt - a.usedAt);
}

/** How many messages have no recorded outcome: of one client, or without a name of all. */
export async function countWaiting(store: KeyValueStore, id?: string): Promise<number> {
  const keys = new Set(await store.keys(id === undefined ? "of/" : `of/${id}/`));
  let count = 0;
  for (const key of keys) {
    const [, , kind] = key.split("/", 3);
    if (kind === "entry" && !keys.has(key.replace("/entry/", "/settled/"))) count++;
  }
  return count;
}

/** How far the models are that are stored, and which settled entries wait for newer ones: what a change depends on. */
export interface StoredIndex {
  readonly models: Map<TargetKey, number>;
  /** By target, then by mid. */
  readonly settled: Map<TargetKey, Map<number, number>>;
  /** Settled entries that go with what was added last. */
  readonly freed: Place[];
}

export const newIndex = (): StoredIndex => ({ models: new Map(), settled: new Map(), freed: [] });

/** Undefined: nothing is stored of it. */
export async function readClient(
  store: KeyValueStore,
  id: string,
): Promise<{ readonly stored: StoredClient; readonly index: StoredIndex } | undefined> {
  const prefix = `of/${id}/`;
  const [owner, values] = await Promise.all([store.read(ownerKey(id)), store.read(prefix)]);
  const whose = owner.get(ownerKey(id)) as StoredOwner | undefined;
  if (!whose) return undefined;
  const index = newIndex();
  const entries: StoredEntry[] = [];
  const targets = new Map<TargetKey, StoredTarget>();
  const models = new Map<TargetKey, StoredModel>();
  for (const [key, value] of values) {
    const rest = key.slice(prefix.length);
    const kind = rest.slice(0, rest.indexOf("/"));
    const target = rest.slice(kind.length + 1);
    if (kind === "target") targets.set(target, value as StoredTarget);
    else if (kind === "model") {
      models.set(target, value as StoredModel);
      index.models.set(target, (value as StoredModel).sequence);
    } else if (kind === "entry") {
      const entry = value as StoredEntry;
      const sequence = values.get(settledKey(id, entry)) as number | undefined;
      entries.push(sequence === undefined ? entry : { ...entry, sequence });
      if (sequence !== undefined) settledOf(index, entry.target).set(entry.mid, sequence);
    }
  }
  return { stored: { ...whose, user: whose.user, entries, targets, models }, index };
}

interface Place {
  readonly target: TargetKey;
  readonly mid: number;
}
const entryKey = (id: string, { target, mid }: Place): string => `of/${id}/entry/${mid}/${target}`;
const settledKey = (id: string, { target, mid }: Place): string => `of/${id}/settled/${mid}/${target}`;

function settledOf({ settled }: StoredIndex, target: TargetKey): Map<number, number> {
  let mids = settled.get(target);
  if (!mids) settled.set(target, (mids = new Map()));
  return mids;
}

/** Adds what a change writes. The index is changed at once: who commits takes care of failures (`doubt`). */
export function addChange(
  values: Map<string, unknown>,
  id: string,
  index: StoredIndex,
  change: Exclude<ClientChange, { type: "identity" }>,
): void {
  const { models } = index;
  switch (change.type) {
    case "entry":
      values.set(entryKey(id, change.entry), change.entry);
      return;
    case "outcome": {
      const { target, mid, sequence } = change;
      if (sequence > 0 && sequence > (models.get(target) ?? Infinity)) {
        values.set(settledKey(id, change), sequence);
        settledOf(index, target).set(mid, sequence);
      } else values.set(entryKey(id, change), undefined);
      return;
    }
    case "target": {
      const { target, settled, last } = change;
      values.set(`of/${id}/target/${target}`, { settled, last });
      return;
    }
    case "model":
    case "drop-model": {
      const { target } = change;
      const model = change.type === "model" ? change.model : undefined;
      values.set(`of/${id}/model/${target}`, model);
      if (model) models.set(target, model.sequence);
      else models.delete(target);
      for (const [mid, sequence] of index.settled.get(target) ?? []) {
        if (model && sequence > model.sequence) continue;
        const place = { target, mid };
        index.freed.push(place);
        values.set(entryKey(id, place), undefined);
        values.set(settledKey(id, place), undefined);
      }
    }
  }
}

/** What was added is durable: what it has freed is gone. */
export function landed({ settled, freed }: StoredIndex): void {
  for (const { target, mid } of freed.splice(0)) settled.get(target)?.delete(mid);
}

/** These may be durable or not: the models are taken for older than anything, so that no entry goes that one may lack. */
export function doubt({ models, freed }: StoredIndex, changes: readonly StorageChange[]): void {
  freed.length = 0;
  for (const change of changes)
    if (change.type === "model" || change.type === "drop-model") models.set(change.target, -1);
}
