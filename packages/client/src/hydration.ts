// Starts from the snapshots that the server put into the page (`server.hydrate`): they are shown at once, and their
// cursors tell the server what is missing. It wraps a storage, because what is stored may be newer than a snapshot or
// contradict it. A page that does not import it does not carry it.
import { CallaError, DEV, json, OWN_SESSION } from "@calla/shared";
import type { Serialiser, TargetKey } from "@calla/shared";
import { inside } from "./storage/storage.ts";
import type { ModelKeeper, PageStorage, Storage, StoredClient, StoredModel } from "./storage/storage.ts";

/** What a page brought along. */
export interface Hydration {
  readonly models: ReadonlyMap<TargetKey, StoredModel>;
  /** Whose session is among them. */
  readonly clientId: string | undefined;
}

const NOTHING: Hydration = { models: new Map(), clientId: undefined };
const FORM = 1;

/**
 * Reads what `server.hydrate` gave.
 *
 * @throws CallaError `undecodable` and the other errors of decoding: the text is not what a server wrote.
 * @example
 * const { models } = parseHydration(text, serialiser);
 */
export function parseHydration(text: string, serialiser: Serialiser): Hydration {
  const format = serialiser.formats.find(({ binary }) => !binary) ?? json();
  // It came with the page, which no frame's limit has held: as large as it is, and as deep as the serialiser takes it.
  const tree = json().decode(text, {
    maxFrameBytes: Infinity,
    maxDepth: 512,
    maxEntries: Infinity,
    maxValues: Infinity,
    maxNames: Infinity,
  });
  const { calla, format: written, topics, session } = fieldsOf(tree);
  if (calla !== FORM || !Array.isArray(topics)) throw malformed();
  if (written !== format.name) throw otherSerialiser(written, format.name);
  const codec = serialiser.payload(format);
  const models = new Map<TargetKey, StoredModel>();
  const take = (row: unknown, isOwn: boolean): void => {
    if (!Array.isArray(row) || row.length !== 5) throw malformed();
    const [target, sequence, mark, version, model] = row as unknown[];
    if (typeof target !== "string" || (target === OWN_SESSION) !== isOwn) throw malformed();
    if (!isCount(sequence) || !isCount(mark) || !isCount(version)) throw malformed();
    models.set(target, { sequence, mark, version, model: codec.decodeModel(model), usedAt: 0 });
  };
  for (const row of topics) take(row, false);
  if (session === undefined) return { models, clientId: undefined };
  const { clientId, snapshot } = fieldsOf(session);
  if (typeof clientId !== "string") throw malformed();
  take(snapshot, true);
  return { models, clientId };
}

const malformed = (): CallaError => new CallaError("undecodable", { format: "hydration" });
/** Its values would be taken for others than they are. */
const otherSerialiser = (written: unknown, read: string): CallaError =>
  new CallaError(
    "undecodable",
    { format: "hydration", written, read },
    DEV &&
      `The server wrote this page's snapshots in the format ${JSON.stringify(written)}, and this client reads ${JSON.stringify(read)}. Give client and server the same serialiser.`,
  );
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
function fieldsOf(value: unknown): { readonly [field: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return value as { readonly [field: string]: unknown };
}

/** What `hydrated` takes: where in the page the text is, and how to read it. */
export interface HydrateFromOptions {
  readonly serialiser: Serialiser;
  /** The text that `server.hydrate` gave. Default: that of the script element `element`. */
  readonly text?: string;
  /** The id of the script element that holds the text, "calla" unless given. It is not looked for where `text` is given. */
  readonly element?: string;
  /** Hears what was wrong with it. Then the models are fetched as if it were not there. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A storage that begins with what is in the page. Retain the topics before the first rendering, and they have a model.
 * A snapshot is used only where no message of this client waits for its outcome and nothing newer is stored.
 *
 * @example
 * // <script type="application/json" id="calla">…what server.hydrate gave…</script>
 * const client = createClient({ wiring, serialiser, transport, storage: hydrated(memoryStorage(), { serialiser }) });
 */
export function hydrated(
  given: Storage,
  { serialiser, text, element = "calla", onError }: HydrateFromOptions,
): Storage {
  const storage = inside(given);
  let found = NOTHING;
  try {
    const written = text ?? document.getElementById(element)?.textContent ?? undefined;
    if (written !== undefined) found = parseHydration(written, serialiser);
  } catch (error) {
    onError?.(error);
  }
  const { clientId } = found;
  /** Not used and not overtaken yet. */
  const fresh = new Map(found.models);
  const session = fresh.get(OWN_SESSION);
  let now = (): number => 0;
  // The storage decides which client this page is.
  fresh.delete(OWN_SESSION);
  const page: PageStorage = {
    ...storage,
    models(host) {
      now = () => host.clock.now();
      return beginning(fresh, storage.models?.(host));
    },
    async load(owner, host) {
      const stored = await storage.load(owner, host);
      if (stored === undefined) return undefined;
      if (session && stored.identity?.clientId === clientId) fresh.set(OWN_SESSION, session);
      return merged(stored, fresh, now());
    },
  };
  return page;
}

/** What is stored, with the page's snapshots where they are newer and nothing stands against them. */
function merged(stored: StoredClient, fresh: Map<TargetKey, StoredModel>, now: number): StoredClient {
  const models = new Map(stored.models);
  for (const [target, model] of fresh) {
    const settled = stored.targets.get(target)?.settled ?? 0;
    // The snapshot may hold a message whose outcome is not known here: on top of it that would be shown twice.
    const undecided = stored.entries.some(
      (entry) => entry.target === target && entry.mid > settled && entry.sequence === undefined,
    );
    if (undecided || (models.get(target)?.sequence ?? -1) >= model.sequence) fresh.delete(target);
    else models.set(target, { ...model, usedAt: now });
  }
  return { ...stored, models };
}

/** A keeper of models that has the page's too, until something newer is known. */
function beginning(fresh: Map<TargetKey, StoredModel>, inner: ModelKeeper | undefined): ModelKeeper {
  return {
    load: (models, settled) => inner?.load(models, settled),
    find(target, slice) {
      const stored = inner?.find(target, slice);
      const model = fresh.get(target);
      return stored ?? (model && { model, settled: [] });
    },
    changed: () => inner?.changed(),
    leave(place) {
      fresh.delete(place.target);
      inner?.leave(place);
    },
    drop(target) {
      fresh.delete(target);
      inner?.drop(target);
    },
    settled: (entry) => inner?.settled(entry),
    take: (all) => inner?.take(all) ?? [],
    landed: (ok) => inner?.landed(ok),
    begin(sameUser) {
      fresh.clear();
      inner?.begin(sameUser);
    },
    close: () => inner?.close(),
  };
}
