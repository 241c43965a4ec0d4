// What callers were told, against what the log says; and what was sent, against what was stored.
import { OWN_SESSION, sameValue, sessionKey } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { Place } from "./archive.ts";
import type { History, HistoryEvent, Told, Violation } from "./history.ts";

type Of<T extends HistoryEvent["type"]> = Extract<HistoryEvent, { type: T }>;

/** One dispatch, as the history has it. */
interface Write {
  readonly dispatched: Of<"dispatched">;
  readonly told: Told[];
  /** What `onOutcome` heard, by page. */
  readonly hooked: Map<number, Of<"hooked">>;
  stored: "no" | "asked" | "durable" | "failed";
  mid: number;
  /** Given up: its mid goes out without it. */
  empty: boolean;
  /** Its outcome is in the client's storage. */
  recorded: boolean;
  pageEnded: boolean;
}

export function checkOutcomes(history: History): Violation[] {
  const { events, archive, quiet } = history;
  const found: Violation[] = [];
  const break_ = (rule: string, what: string): void => void found.push({ rule, what });
  const writes = new Map<string, Write>();
  const ofPage = new Map<string, Write[]>();
  /** Clients whose storage refused something: what they sent may be forgotten, and its mid given out again. */
  const forgetful = new Set<number>();
  const rewound = new Set<TargetKey>();
  /** Target and id of what a log has refused. */
  const refusals = new Set<string>();
  const witnessed = [...archive.values()].every((archived) => archived.refusals !== undefined);
  /** Client, target, mid and id: whether that is stored. */
  const stored = new Map<string, "asked" | "durable" | "failed">();
  const sent = new Map<string, string>();
  const byMid = new Map<string, Write>();
  const keysOf = targetKeys(events);
  /** How far each target's paths reached when the event was recorded. */
  const reached = new Map<TargetKey, { path: number; sequence: number }>();

  const places = (
    target: TargetKey,
    client: number,
  ): { key: TargetKey; path: number; places: readonly Place[] }[] =>
    keysOf(target, client).flatMap((key) =>
      (archive.get(key)?.paths ?? []).map((path, i) => ({ key, path: i, places: path.places })),
    );

  for (const event of events) {
    switch (event.type) {
      case "dispatched": {
        const write: Write = {
          dispatched: event,
          told: [],
          hooked: new Map(),
          stored: "no",
          mid: 0,
          empty: false,
          recorded: false,
          pageEnded: false,
        };
        writes.set(event.id, write);
        const page = `${event.client}/${event.page}`;
        ofPage.set(page, [...(ofPage.get(page) ?? []), write]);
        break;
      }
      case "refused":
        refusals.add(`${event.target} ${event.id}`);
        break;
      case "stored": {
        const key = `${event.client} ${event.target} ${event.mid} ${event.id}`;
        // Stored again when it is given up: it was durable before.
        if (event.stage === "asked" && stored.has(key)) break;
        stored.set(key, event.stage);
        const write = writes.get(event.id);
        if (write === undefined) break;
        write.stored = event.stage;
        write.mid = event.mid;
        byMid.set(`${event.client} ${event.target} ${event.mid}`, write);
        break;
      }
      case "unstored":
        forgetful.add(event.client);
        break;
      case "recorded": {
        const write = byMid.get(`${event.client} ${event.target} ${event.mid}`);
        if (write !== undefined) write.recorded = true;
        break;
      }
      case "sent": {
        const state = stored.get(`${event.client} ${event.target} ${event.mid} ${event.id}`);
        // A mid that a disk or a log has lost, or whose recorded refusal the server has, goes out as void.
        const lost =
          event.empty &&
          (forgetful.has(event.client) ||
            keysOf(event.target, event.client).some((key) => rewound.has(key)) ||
            byMid.get(`${event.client} ${event.target} ${event.mid}`)?.recorded === true);
        if (state !== "durable" && state !== "failed" && !lost)
          break_(
            "HC13",
            `${event.target}: client ${event.client} sent mid ${event.mid} (${event.id}) before it was durable`,
          );
        const key = `${event.clientId} ${event.target} ${event.mid}`;
        const before = sent.get(key);
        if (before !== undefined && before !== event.id && !lost && !forgetful.has(event.client))
          break_(
            "HC14",
            `${event.target}: mid ${event.mid} of ${event.clientId} was sent as ${before} and as ${event.id}`,
          );
        sent.set(key, event.id);
        const write = writes.get(event.id);
        if (write !== undefined && event.empty) write.empty = true;
        break;
      }
      case "rewound":
        rewound.add(event.target);
        break;
      case "appended":
        reached.set(event.target, event);
        break;
      case "hooked": {
        const hooked = writes.get(event.id)?.hooked;
        // A client whose disk forgot that it told may tell again on its next page.
        if (
          hooked?.has(event.page) === true ||
          (hooked !== undefined && hooked.size > 0 && !forgetful.has(event.client))
        )
          break_("HC1", `${event.target}: the outcome of ${event.id} was told twice`);
        hooked?.set(event.page, event);
        const { target, id, sequence, client } = event;
        if (
          sequence > 0 &&
          !places(target, client).some(({ places: all }) => all[sequence]?.record?.id === id)
        )
          break_("HC3", `${target}: ${id} was said to be at ${sequence}, where the log never had it`);
        break;
      }
      case "told": {
        const { id, told, target, client } = event;
        const write = writes.get(id);
        write?.told.push(told);
        if (write?.pageEnded === true) break_("HC1", `${target}: a page that was gone was told of ${id}`);
        if (
          told.is === "rejected" &&
          write?.stored === "durable" &&
          !write.recorded &&
          !forgetful.has(client)
        )
          break_("HC13", `${target}: client ${client} was told of ${id}'s rejection before it was durable`);
        if (
          told.is === "rejected" &&
          // The client's own verdict, and what is told without anything being kept of strangers and missing topics (TE19).
          !["client-expired", "forbidden", "missing"].includes(told.code) &&
          witnessed &&
          !keysOf(target, client).some((key) => refusals.has(`${key} ${id}`))
        )
          break_("HC4", `${target}: ${id} was refused (${told.code}) before the log had it`);
        if (told.is !== "applied") break;
        const here = places(target, client)
          .map(({ key, path, places: all }) => ({ key, path, place: all[told.sequence] }))
          .filter(({ place }) => place?.record?.id === id);
        const durable = here.filter(({ key, path }) => {
          const tip = reached.get(key);
          return tip !== undefined && (tip.path > path || tip.sequence >= told.sequence);
        });
        if (here.length === 0)
          break_("HC3", `${target}: ${id} was acknowledged at ${told.sequence}, where the log never had it`);
        else if (durable.length === 0)
          break_("HC4", `${target}: ${id} was acknowledged at ${told.sequence} before the log had it`);
        else {
          const { messages } = here[0]!.place!.record!;
          if (!sameValue(told.messages, messages))
            break_("HC17", `${target}: the caller of ${id} got another message than the log has`);
        }
        break;
      }
      case "ended":
        for (const write of ofPage.get(`${event.client}/${event.page}`) ?? []) write.pageEnded = true;
        break;
      default:
    }
  }

  for (const [id, write] of writes) {
    const { dispatched, told, hooked, pageEnded } = write;
    const { target, client } = dispatched;
    const name = `${target}: ${id} of client ${client}`;
    const paths = places(target, client);
    const inLog = (all: typeof paths): boolean =>
      all.some(({ places: path }) => path.some(({ record }) => record?.id === id));
    const newest = paths.filter(({ key, path }) => path === archive.get(key)!.paths.length - 1);
    if (told.length > 1) break_("HC1", `${name} was told ${told.length} outcomes`);
    const heard = [...hooked.values()];
    const refused =
      told.some(({ is }) => is === "rejected") ||
      heard.some(({ is }) => is === "rejected" || is === "unknown");
    const unknown =
      told.some((one) => "code" in one && one.code === "client-expired") ||
      heard.some(({ is }) => is === "unknown");
    const applied = told.some(({ is }) => is === "applied");
    // A later page that knows nothing of it may send it again, after a failover into another history: see below.
    if (applied && hooked.get(dispatched.page)?.sequence === 0)
      break_("HC3", `${name} was applied to its caller, and not to the hook`);
    const cutOff = newest.some(({ key }) => archive.get(key)!.cutOff?.has(id));
    if (refused && !unknown && !cutOff && inLog(newest))
      break_("HC3", `${name} was rejected, and is in the log`);
    const cancelled = told.some((one) => one.is === "ended" && one.code === "cancelled");
    if (cancelled && inLog(paths) && !forgetful.has(client))
      break_("HC3", `${name} was cancelled, and is in the log`);
    if (quiet === undefined || quiet.problem !== undefined) continue;
    if (told.length === 0 && !pageEnded) break_("HC1", `${name} was never told an outcome`);
    // Its page is gone, but it was durable: a later page must have brought it to an end.
    if (
      told.length === 0 &&
      write.stored === "durable" &&
      !write.empty &&
      !inLog(paths) &&
      !refused &&
      !write.recorded
    )
      break_("HC1", `${name} was durable when its page ended, and came to no end`);
  }
  return found;
}

/** The log's keys of a client's target. A session's is its client's name, of which a client may have had several. */
export function targetKeys(
  events: readonly HistoryEvent[],
): (target: TargetKey, client: number) => readonly TargetKey[] {
  const names = new Map<number, Set<string>>();
  for (const event of events) {
    if (event.type === "sent")
      names.set(event.client, (names.get(event.client) ?? new Set()).add(event.clientId));
  }
  return (target, client) =>
    target === OWN_SESSION ? [...(names.get(client) ?? [])].map(sessionKey) : [target];
}
