// What the log itself must be: dense, chained, each message once, each client's in its own order.
import { sameValue } from "@calla/shared";
import type { LogRecord } from "@calla/server";
import type { Place } from "./archive.ts";
import type { History, Violation } from "./history.ts";
import { modelIn, modelNow } from "./versions.ts";
import type { Slices } from "./versions.ts";

export function checkLog({ events, archive, quiet }: History): Violation[] {
  const found: Violation[] = [];
  const break_ = (rule: string, what: string): void => void found.push({ rule, what });
  /** The order in which each client dispatched. */
  const order = new Map<string, { client: number; index: number }>();
  events.forEach((event, index) => {
    if (event.type === "dispatched") order.set(event.id, { client: event.client, index });
  });

  const clients = new Map(
    events.flatMap((event) => (event.type === "sent" ? [[event.clientId, event.client] as const] : [])),
  );
  /** Whose message ids they are: a user's; a client's, whatever identities it had, where nobody is signed in; the server's. */
  const nameOf = ({ author }: LogRecord): unknown =>
    author === null ? null : (author.userId ?? [clients.get(author.clientId) ?? author.clientId]);

  for (const [target, { slices, paths }] of archive) {
    for (const { places } of paths) {
      const ids = new Set<string>();
      const mids = new Map<string, number>();
      const dispatched = new Map<number, number>();
      const marks = new Set<number>();
      for (const [i, { sequence, mark, record }] of places.entries()) {
        if (sequence !== i) break_("HC6", `${target}: sequence ${sequence} stands at place ${i}`);
        if (i > 0 && marks.has(mark)) break_("HC6", `${target}: mark ${mark} at ${sequence} was used before`);
        marks.add(mark);
        if (record === undefined) continue;
        const wrong = wrongVersion(slices, places[i - 1]!, record);
        if (wrong !== undefined) break_("HC18", `${target}: at ${sequence} ${wrong}`);
        const name = JSON.stringify([nameOf(record), record.id]);
        if (ids.has(name)) break_("HC2", `${target}: ${record.id} is in the log twice, again at ${sequence}`);
        ids.add(name);
        if (record.author === null) continue;
        const { clientId } = record.author;
        const last = mids.get(clientId) ?? 0;
        if (record.mid <= last)
          break_("HC2", `${target}: mid ${record.mid} of ${clientId} after ${last}, at ${sequence}`);
        mids.set(clientId, record.mid);
        const mine = order.get(record.id);
        if (mine === undefined) break_("HC3", `${target}: ${record.id} at ${sequence} was never dispatched`);
        else {
          if (mine.index < (dispatched.get(mine.client) ?? -1))
            break_(
              "HC5",
              `${target}: ${record.id} at ${sequence} stands behind what client ${mine.client} dispatched later`,
            );
          dispatched.set(mine.client, mine.index);
        }
      }
    }
  }

  for (const { target, model, sequence, mark, problem } of quiet?.persisted ?? []) {
    const place = archive.get(target)?.paths.at(-1)?.places.at(-1);
    if (problem !== undefined) break_("HC12", `${target}: ${problem}`);
    else if (
      place === undefined ||
      place.sequence !== sequence ||
      place.mark !== mark ||
      !sameValue(place.model, model)
    )
      break_(
        "HC12",
        `${target}: snapshot and records give another model at ${sequence} than the log's records (${place?.sequence})`,
      );
  }
  for (const { node, target, model, sequence } of quiet?.servers ?? []) {
    const archived = archive.get(target);
    const place = archived?.paths.at(-1)?.places.at(-1);
    if (
      place !== undefined &&
      (place.sequence !== sequence || !sameValue(modelNow(archived!.slices, place), model))
    )
      break_(
        "HC12",
        `${target}: node ${node} is at ${sequence} with another model than the log at ${place.sequence}`,
      );
  }
  return found;
}

/** What is wrong with a record's version, if anything: one version folds a target at a time, and none goes back. */
function wrongVersion(slices: Slices, before: Place, { version, model, id }: LogRecord): string | undefined {
  if (before.sequence === 0 || version === before.version) return undefined;
  if (version < before.version) return `version ${version} comes after ${before.version}`;
  if (model === undefined) return `version ${version} goes on from a model of version ${before.version}`;
  if (!/^migrated-\d+-\d+-\d+$/.test(id)) return undefined; // with what is skipped left out, or for another reason
  const migrated = modelIn(slices, before, version);
  if (migrated !== undefined && sameValue(migrated.model, model.value)) return undefined;
  return `${id} is not the model before it, migrated`;
}
