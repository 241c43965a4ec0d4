// Guests: clients of another kind than Calla's, which have no update functions. What they have of the server is a place of the
// log; what they show on top is not in it; and they lose sight of a dispatch only with their identity.
import { sameValue } from "@calla/shared";
import type { Archived } from "./archive.ts";
import type { History, HistoryEvent, Violation } from "./history.ts";

type Seen = Extract<HistoryEvent, { type: "seen" }>;
/** A path, and how far on it. */
interface At {
  readonly path: number;
  readonly sequence: number;
}

export function checkGuests({ events, archive, quiet }: History): Violation[] {
  const found: Violation[] = [];
  const break_ = (what: string, rule = "HC20"): void => void found.push({ rule, what });
  const floors = new Map<number, At>();
  /** How many identities each has had, now and when it dispatched something. */
  const names = new Map<number, Set<string>>();
  const namesAt = new Map<string, number>();
  const namesOf = (client: number): number => names.get(client)?.size ?? 0;

  for (const event of events) {
    if (event.type === "named")
      names.set(event.client, (names.get(event.client) ?? new Set()).add(event.clientId));
    else if (event.type === "seen") seen(event);
    else if (event.type === "dispatched") namesAt.set(event.id, namesOf(event.client));
    else if (event.type === "told" && event.told.is === "ended" && names.has(event.client)) {
      const { id, target, client, told } = event;
      if (told.code === "client-expired" && namesOf(client) === namesAt.get(id))
        break_(`${target}: guest ${client} lost sight of ${id} under the same identity`, "HC21");
      if (told.code === "unsent" && sequenceOf(archive.get(target), id) !== undefined)
        break_(`${target}: guest ${client} never sent ${id}, and it is in the log`, "HC21");
    }
  }

  function seen({ client, target, sequence, mark, model, pending }: Seen): void {
    const name = `${target}: guest ${client}`;
    const { paths } = archive.get(target) ?? { paths: [] };
    const floor = floors.get(client) ?? { path: 0, sequence: 0 };
    const here = paths.flatMap(({ places }, path) => (places[sequence]?.mark === mark ? [path] : []));
    // A topic that nobody has written to is in no archive.
    if (here.length === 0 && sequence === 0) return;
    const path = here.find((one) => one > floor.path || (one === floor.path && sequence >= floor.sequence));
    if (here.length === 0)
      return break_(`${name} was at ${sequence} (mark ${mark}), where the log never was`);
    if (path === undefined) return break_(`${name} went back from ${floor.sequence} to ${sequence}`);
    floors.set(client, { path, sequence });
    const { places } = paths[path]!;
    if (!sameValue(places[sequence]!.model, model))
      break_(`${name} has another model at ${sequence} than the log: ${JSON.stringify(model)}`);
    for (const id of pending) {
      const at = places.findIndex(({ record }) => record?.id === id);
      if (at > 0 && at <= sequence)
        break_(`${name} showed ${id} twice: it is in the model of ${sequence}, since ${at}`);
    }
  }

  if (quiet === undefined || quiet.problem !== undefined) return found;
  for (const { client, target, status, model, pending } of quiet.guests ?? []) {
    const name = `${target}: guest ${client}`;
    const tip = archive.get(target)?.paths.at(-1)?.places.at(-1);
    if (status !== "live" || pending > 0) break_(`${name} is ${status} with ${pending} pending after quiet`);
    if (tip !== undefined && !sameValue(tip.model, model))
      break_(`${name} shows another model after quiet than the log has at ${tip.sequence}`);
  }
  return found;
}

/** Where a message stands in the newest path. */
const sequenceOf = (archived: Archived | undefined, id: string): number | undefined =>
  archived?.paths.at(-1)?.places.find(({ record }) => record?.id === id)?.sequence;
