// Messages and models as a storage keeps them: the serialiser's plain form, which structured clone and JSON carry
// faithfully. Without it an instance of a registered class would come back from IndexedDB as an object without one.
import { DEV } from "@calla/shared";
import type { Format, PayloadCodec, Serialiser } from "@calla/shared";
import { storageFailure } from "../storage/storage-failure.ts";
import type { ClientChange, StoredClient } from "../storage/storage.ts";

/** The same form whatever format the connection speaks, so that a later page may speak another. */
export const codecOf = (serialiser: Serialiser): PayloadCodec =>
  serialiser.payload(serialiser.formats.find(({ binary }) => !binary) ?? (serialiser.formats[0] as Format));

export function plainChange(change: ClientChange, codec: PayloadCodec): ClientChange {
  if (change.type === "entry") {
    const { entry } = change;
    return { type: "entry", entry: { ...entry, messages: entry.messages.map(codec.encodeMessage) } };
  }
  if (change.type === "model")
    return { ...change, model: { ...change.model, model: codec.encodeModel(change.model.model) } };
  return change;
}

/**
 * As it was given. What cannot be read any more (a class that is no longer registered) is reported: a model is left out and
 * fetched again, a message's mid goes out as void (TB2), and so does not wait for ever.
 */
export function fromPlainClient(
  stored: StoredClient,
  codec: PayloadCodec,
  report: (error: unknown) => void,
): StoredClient {
  const attempt = <T>(what: string, read: () => T): readonly T[] => {
    try {
      return [read()];
    } catch (cause) {
      report(
        storageFailure("corrupt", DEV && `What was stored of ${what} cannot be read, and is dropped.`, cause),
      );
      return [];
    }
  };
  return {
    ...stored,
    entries: stored.entries.flatMap((entry) => {
      const read = () => ({ ...entry, messages: entry.messages.map(codec.decodeMessage) });
      const [found] = attempt(entry.target, read);
      return found ?? (entry.sequence === undefined ? { ...entry, messages: [] } : []);
    }),
    models: new Map(
      [...stored.models].flatMap(([target, { model, ...rest }]) =>
        attempt(target, () => [target, { ...rest, model: codec.decodeModel(model) }] as const),
      ),
    ),
  };
}
