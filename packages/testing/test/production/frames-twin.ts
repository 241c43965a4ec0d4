// One client whose every frame is the test's, bundled once for production and once with all guards, and what becomes of
// it as text, so that two of them can be compared (frames.ts).
import { createClient, keepModels, memoryStorage } from "@calla/client";
import type { Transport, TransportHandlers } from "@calla/client";
import { inside } from "@calla/client/testing";
import type { StorageChange } from "@calla/client/testing";
import {
  authorTag,
  automatic,
  CallaError,
  defineEphemeral,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  plain,
  serverFrame,
} from "@calla/shared";
import type { Format, Random, SteadyClock } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import type * as z from "zod";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** A schema that costs next to nothing. */
const schema = (is: (value: Record<string, unknown>) => boolean) =>
  ({
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        isRecord(value) && is(value) ? { value } : { issues: [{ message: "is another", path: [] }] },
    },
  }) as unknown as z.ZodObject<{ readonly x: z.ZodNumber }>;

interface List {
  readonly items: readonly string[];
  readonly stamp: number;
}
const isText = (value: unknown): boolean => typeof value === "string";
const model = {
  model: schema(({ items, stamp }) => Array.isArray(items) && typeof stamp === "number"),
  initial: () => ({ items: [], stamp: 0 }),
  messages: { added: schema(({ text }) => isText(text)), cleared: schema(() => true) },
  update: {
    added: (
      list: List,
      message: { text: string },
      context: { at: number; userId: string | null; id(): string },
    ) =>
      message.text === "bad"
        ? context
        : {
            items: [...list.items.slice(-5), `${message.text} ${context.userId} ${context.id()}`],
            stamp: context.at,
          },
    cleared: () => ({ items: [], stamp: 0 }),
  },
};
const list = defineTopic("list:*", model as never);
const session = defineSession(model as never);
const cursors = defineEphemeral("cursors", {
  messages: { moved: schema(({ x }) => typeof x === "number") },
  keep: "latest",
});
const wirings = {
  true: defineWiring({ session, topics: [list, cursors] }),
  false: defineWiring({ topics: [list, cursors] }) as never,
};
const both = automatic(json(), messagePack());
const serialisers = { json: both, messagePack: both.use(messagePack().name), plain: plain(json()) };
export type FormatName = keyof typeof serialisers;
const formatOf = (name: FormatName): Format => serialisers[name].formats[0]!;

export interface TwinOptions {
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly format: FormatName;
  /** What it is subscribed to. */
  readonly targets: readonly string[];
}

/** Whether all that the bytes hold passes this build's guards; the payloads and the parts of snapshots are read later. */
export function passes(data: string | Uint8Array, format: FormatName): boolean {
  try {
    const packet = decode(data, format);
    return [packet].flat(1).every((one) => serverFrame(one) !== undefined);
  } catch {
    return false;
  }
}
/** As a client reads what a server says (transport.ts). */
const LIMITS = {
  maxFrameBytes: 1 << 28,
  maxDepth: 512,
  maxEntries: 1 << 24,
  maxValues: 1 << 26,
  maxNames: Infinity,
};
export const decode = (data: string | Uint8Array, format: FormatName): unknown =>
  formatOf(format).decode(data, LIMITS);
export const encode = (value: unknown, format: FormatName): string | Uint8Array =>
  formatOf(format).encode(value);

/** Codes as they are, and of who has rejected whether it is Calla. */
const told = (error: unknown): unknown => {
  const { code, from, details } = error as { code: string; from?: string; details?: unknown };
  return [code, from === "calla", details];
};

export function start({ clock, random, format, targets }: TwinOptions) {
  let events: unknown[] = [];
  /** What is no CallaError was thrown by a part that had met what it does not take. */
  const thrown: unknown[] = [];
  let reported = "";
  let sent: (string | Uint8Array)[] = [];
  let handlers: TransportHandlers | undefined;
  let attempts = 0;
  let doubt = (): void => {};
  const transport: Transport = {
    reconnect: { baseMilliseconds: 4, maxMilliseconds: 32, multiplier: 2, jitterRatio: 0.25 },
    connect(on) {
      attempts++;
      handlers = on;
      return {
        send: (data) => void sent.push(data),
        close: () => {
          if (handlers === on) handlers = undefined;
        },
      };
    },
  };
  const storage = inside(memoryStorage({ models: keepModels({ delay: 100 }) }));
  const commit = storage.commit.bind(storage);
  storage.commit = (changes: readonly StorageChange[]) => {
    events.push(["stored", changes]);
    return commit(changes);
  };
  const client = createClient({
    wiring: wirings[`${targets.includes("@")}`] as (typeof wirings)["true"],
    serialiser: serialisers[format],
    transport,
    storage,
    user: "anna",
    token: () => "token",
    strict: false,
    clock,
    random,
    digest: (one) => (isRecord(one) && isRecord(one["items"]) ? 0 : 7),
    wakeUps: (_, doubts) => {
      doubt = doubts;
      return () => {};
    },
    onOutcome: ({ target, id, messages, ...decided }) =>
      events.push(["outcome", target, id, messages, "error" in decided ? told(decided.error) : decided]),
    onSnapshot: ({ target, sequence }) => events.push(["snapshot", target, sequence]),
    onVersionMismatch: () => events.push(["version"]),
    onConnect: ({ clientId, userId }) => events.push(["connect", clientId, userId]),
    onReconnect: ({ clientId, userId }) => events.push(["reconnect", clientId, userId]),
    onError: (error) => {
      if (error instanceof CallaError) reported = error.code;
      else thrown.push(error);
    },
  });
  client.onStatus(({ connection, reason, pending, held, storage }) =>
    events.push(["status", connection, reason, pending, held.length, storage]),
  );
  const all = { "@": client.session, "list:1": client.topic(list, "1"), "list:2": client.topic(list, "2") };
  const lists = Object.entries(all).flatMap(([key, topic]) => (targets.includes(key) ? [topic] : []));
  for (const one of lists)
    one.onChange((state) => {
      const { status, pending, ...rest } = state;
      events.push(["state", one.id, status, pending.map(({ id, skipped }) => [id, skipped]), rest]);
    });
  const places = client.topic(cursors);
  if (targets.includes("cursors"))
    places.onChange(({ status, latest }) => events.push(["latest", status, [...latest]]));
  if (targets.includes("cursors"))
    places.onPush(({ message, from, userId }) => events.push(["push", message, from, userId]));

  return {
    thrown,
    tag: (clientId: string, target: string) => authorTag(clientId, target),
    get attempts() {
      return attempts;
    },
    get connection() {
      return client.status.connection;
    },
    get reason() {
      return client.status.reason;
    },
    /** The code of the last error that the app has heard of. */
    get reported() {
      return reported;
    },
    get pending() {
      return client.status.pending;
    },
    /** What has happened since the last look. */
    happened(): string {
      if (events.length === 0) return "";
      const now = events;
      events = [];
      try {
        return JSON.stringify(now);
      } catch {
        return JSON.stringify(now, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
      }
    },
    /** What was sent since the last look. */
    sent(): readonly (string | Uint8Array)[] {
      const now = sent;
      sent = [];
      return now;
    },
    open: () => handlers?.open(),
    receive: (data: string | Uint8Array) => handlers?.receive(data),
    doubt: () => doubt(),
    connect: () => client.connect(),
    dispatch(place: number, message: { readonly type: string }): void {
      try {
        const write = lists[place % lists.length]?.dispatch(message as never) as
          | { applied: Promise<{ sequence: number; messages: unknown }> }
          | undefined;
        write?.applied.then(
          ({ sequence, messages }) => events.push(["applied", sequence, messages]),
          (error: unknown) => events.push(["refused", told(error)]),
        );
      } catch (error) {
        events.push(["not taken", told(error)]);
      }
    },
    close: () => client.close(),
  };
}
export type Twin = ReturnType<typeof start>;
