// A written history: what a right run of one list would have recorded, step by step, so that a test can spoil one of them.
import { defineTopic, defineWiring } from "@calla/shared";
import type { Message, TargetKey } from "@calla/shared";
import { memoryLog } from "@calla/server";
import * as z from "zod";
import { archivedLog } from "../src/history/archive.ts";
import type { Place } from "../src/history/archive.ts";
import { checkHistory } from "../src/history/check.ts";
import type { History, HistoryEvent, PageName, Quiet, Told } from "../src/history/history.ts";

const list = defineTopic("list:*", {
  model: z.array(z.string()),
  initial: () => [],
  messages: { added: z.object({ item: z.string() }) },
  update: { added: (items, { item }) => [...items, item] },
});
export const wiring = defineWiring({ topics: [list] });
export const target: TargetKey = "list:1";
export const me: PageName = { client: 0, page: 0 };
export const added = (item: string): Message => ({ type: "added", item });

/** A history in the making: every helper adds what a right run would have recorded. */
export function written() {
  const events: HistoryEvent[] = [];
  const log = archivedLog(memoryLog(), wiring, {
    appended: (_, path, sequence) => events.push({ type: "appended", target, path, sequence }),
    rewound: (_, from, to) => events.push({ type: "rewound", target, from, to }),
  });
  let head = { sequence: 0, mark: 0 };
  const quiet = (clients: readonly (readonly string[])[] = []): Quiet => ({
    problem: undefined,
    servers: [],
    persisted: [],
    clients: clients.map((model) => ({ ...me, target, status: "live", model, pending: 0 })),
  });
  const history = (end: Partial<Quiet> | null = {}): History => ({
    events,
    archive: log.archive,
    quiet: end === null ? undefined : { ...quiet(), ...end },
    users: [null],
  });
  return {
    events,
    add: (event: HistoryEvent) => void events.push(event),
    dispatched: (id: string) => void events.push({ type: "dispatched", ...me, target, id, userId: null }),
    stored: (mid: number, id: string, stage: "asked" | "durable" = "durable") =>
      void events.push({ type: "stored", ...me, stage, target, mid, id, at: 1 }),
    sent: (mid: number, id: string) =>
      void events.push({ type: "sent", ...me, clientId: "me", target, mid, id, empty: false }),
    told: (id: string, told: Told) => void events.push({ type: "told", ...me, target, id, told }),
    /** The log has its refusal. */
    refused: (id: string) => void events.push({ type: "refused", target, id }),
    recorded: (mid: number, sequence: number) =>
      void events.push({ type: "recorded", ...me, target, mid, sequence }),
    shown: (model: readonly string[], pending: readonly string[] = []) =>
      void events.push({
        type: "shown",
        ...me,
        listener: "state",
        target,
        status: "live",
        code: "",
        model,
        pending: pending.map((id) => ({ id, messages: [added(id)] })),
      }),
    async appended(mid: number, id: string, userId: string | null = null, clientId = "me") {
      const sequence = head.sequence + 1;
      const mark = sequence * 10;
      const author = { clientId, userId };
      const record = { sequence, mark, version: 1, at: 1, author, mid, id, messages: [added(id)] };
      await log.append([{ target, expected: head, records: [record], rows: [], at: record.at }]);
      head = { sequence, mark };
    },
    /** `end` null: it never came to an end. */
    history,
    rules: (end: Partial<Quiet> = {}): readonly string[] => [
      ...new Set(checkHistory(history(end)).map(({ rule }) => rule)),
    ],
    log,
    quiet,
    /** The places of the target's only path, to be spoilt. */
    places: (): Place[] => log.archive.get(target)!.paths[0]!.places,
  };
}
export type Written = ReturnType<typeof written>;

/** Dispatched, stored, sent, appended, shown, told. */
export async function whole(run: Written, mid: number, id: string): Promise<void> {
  run.dispatched(id);
  run.stored(mid, id, "asked");
  run.stored(mid, id);
  run.sent(mid, id);
  await run.appended(mid, id);
  run.recorded(mid, mid);
  run.told(id, { is: "applied", sequence: mid, messages: [added(id)] });
}
