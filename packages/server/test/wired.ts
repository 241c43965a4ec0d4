// A server with hand-held sockets: tests say frames, flush, and read the literal frames that came back.
import {
  automatic,
  defineEphemeral,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  serverOnly,
  PROTOCOL_VERSION,
} from "@calla/shared";
import type { ClientFrame, Random, ServerFrame, SteadyClock } from "@calla/shared";
import * as z from "zod";
import { createServer } from "../src/server.ts";
import type { Server, ServerOptions } from "../src/server-api.ts";
import type { WireFrame } from "../src/base/connection.ts";
import type { AnyUser } from "../src/app/handlers.ts";
import type { LogStorage } from "../src/log/log.ts";
import type { PubSub } from "../src/cluster/pubsub.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";

export const list = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: {
    added: z.object({ item: z.string().max(20) }),
    removed: z.object({ item: z.string() }),
    cleared: serverOnly(z.object({})),
    exploded: z.object({}),
    stamped: z.object({}),
  },
  rejections: { missing: z.object({ item: z.string() }) },
  update: {
    added: ({ items }, { item }) => ({ items: [...items, item] }),
    removed: ({ items }, { item }, context) =>
      items.includes(item)
        ? { items: items.filter((other) => other !== item) }
        : context.reject("missing", { item }),
    cleared: () => ({ items: [] }),
    exploded: () => {
      throw new Error("boom");
    },
    stamped: ({ items }, _, context) => ({
      items: [...items, `${context.at} ${context.userId} ${context.id()}`],
    }),
  },
});
export const other = defineTopic("other:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { bumped: z.object({}) },
  update: { bumped: ({ n }) => ({ n: n + 1 }) },
});
export const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});
export const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { named: z.object({ name: z.string() }), signedIn: serverOnly(z.object({ name: z.string() })) },
  update: { named: (_, { name }) => ({ name }), signedIn: (_, { name }) => ({ name }) },
});
export const wiring = defineWiring({ session, topics: [list, other, cursors] });
export type TestWiring = typeof wiring;

/** Time that moves when told, and turns that end when told. */
export function handClock(start = 1_000) {
  /** Milliseconds that have passed, and what the wall clock is ahead of that. */
  let now = 0;
  let ahead = start;
  let timers: { at: number; run: () => void }[] = [];
  let turn: (() => void)[] = [];
  const clock: SteadyClock & { step(milliseconds: number): void } = {
    now: () => now + ahead,
    monotonic: () => now,
    /** Sets the wall clock forward or back. No time passes. */
    step: (milliseconds: number) => void (ahead += milliseconds),
    setTimeout(run: () => void, milliseconds: number) {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    defer: (run: () => void) => void turn.push(run),
  };
  /** Ends turns until nothing more happens. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3;) {
      await new Promise((resolve) => setImmediate(resolve));
      const due = turn;
      turn = [];
      quiet = due.length === 0 ? quiet + 1 : 0;
      for (const run of due) run();
    }
  };
  const advance = async (milliseconds: number): Promise<void> => {
    const end = now + milliseconds;
    for (;;) {
      await settle();
      const next = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      timers = timers.filter((other) => other !== next);
      now = next.at;
      next.run();
    }
    now = end;
  };
  return { clock, settle, advance };
}

export function countingRandom(seed = 1): Random {
  let state = seed;
  return { uint32: () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) };
}

/** A promise that the test keeps or breaks. */
export function inHand<T>() {
  let keep!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    keep = resolve;
    fail = reject;
  });
  return { promise, keep, break: fail };
}

/** Doorbells and pushes that ring when the test says so: never, late, twice, in any order. */
export function handPubSub() {
  const listeners = new Map<string, Set<(payload: unknown) => void>>();
  const gaps = new Set<() => void>();
  let rung: { channel: string; payload: unknown }[] = [];
  const pubsub: PubSub = {
    publish: (channel, payload) => void rung.push({ channel, payload }),
    subscribe(channel, listener) {
      const all = listeners.get(channel) ?? new Set();
      listeners.set(channel, all.add(listener));
      return () => void all.delete(listener);
    },
    onGap(listener) {
      const one = (): void => listener();
      gaps.add(one);
      return () => void gaps.delete(one);
    },
  };
  const ring = (channel: string, payload: unknown): void => {
    for (const listener of listeners.get(channel) ?? []) listener(payload);
  };
  return {
    pubsub,
    ring,
    /** How many listen, on all channels or on one. */
    listening: (channel?: string): number =>
      [...listeners].reduce(
        (sum, [name, all]) => sum + (channel === undefined || name === channel ? all.size : 0),
        0,
      ),
    lose: () => void (rung = []),
    /** The line was broken and is mended: what was rung meanwhile may be lost. */
    gap: () => gaps.forEach((listener) => listener()),
    deliver(times = 1) {
      const due = rung;
      rung = [];
      for (const { channel, payload } of due) for (let i = 0; i < times; i++) ring(channel, payload);
    },
  };
}

/** A log that keeps promises in the hand for one of its methods: every call of it waits until the test lets it go. */
export function heldLog(log: LogStorage, ...methods: readonly (keyof LogStorage)[]) {
  const waiting: (() => void)[] = [];
  let holding = true;
  const held = new Proxy(log, {
    get(target, name: keyof LogStorage) {
      const value: unknown = target[name];
      if (typeof value !== "function") return value;
      const call = value.bind(target) as (...given: unknown[]) => unknown;
      if (!methods.includes(name)) return call;
      return async (...given: unknown[]) => {
        if (holding) await new Promise<void>((go) => void waiting.push(go));
        return call(...given);
      };
    },
  });
  return {
    log: held,
    /** Calls that wait now. */
    waiting: () => waiting.length,
    /** Lets what waits go on; further calls wait again. */
    step: () => waiting.splice(0).forEach((go) => go()),
    hold: () => void (holding = true),
    release() {
      holding = false;
      waiting.splice(0).forEach((go) => go());
    },
  };
}

export type Said = ServerFrame;
/** What is special about a socket. */
export interface On {
  readonly send?: (said: Said) => void;
  readonly finish?: () => void;
  readonly remoteAddress?: string;
  readonly headers?: { readonly [name: string]: string };
}

export function wire(options: Partial<ServerOptions<TestWiring, AnyUser>> = {}, hand = handClock()) {
  const errors: unknown[] = [];
  const refused: { code: string; target: string | undefined; clientId: string | undefined }[] = [];
  const server: Server<TestWiring, AnyUser> = createServer<TestWiring, AnyUser>({
    wiring,
    serialiser: automatic(json()),
    clock: hand.clock,
    random: countingRandom(),
    strict: true,
    onError: (error) => void errors.push(error),
    onRefused: ({ code, target, clientId }) => void refused.push({ code, target, clientId }),
    ...options,
  });
  /** A socket held in the hand. */
  const socket = (on: On = {}) => {
    let heard: Said[] = [];
    const raw: WireFrame[] = [];
    const closed: { code: number; reason: string }[] = [];
    let buffered = 0;
    let pauses = 0;
    let unread: (string | Uint8Array)[] = [];
    const incoming = server.connect({
      connection: {
        send(frame) {
          const said = JSON.parse(Buffer.from(frame.bytes).toString()) as Said;
          heard.push(said);
          raw.push(frame);
          on.send?.(said);
        },
        close: (code, reason) => void closed.push({ code, reason }),
        bufferedAmount: () => buffered,
        pause: () => void pauses++,
        resume() {
          if (--pauses > 0) return;
          const all = unread;
          unread = [];
          for (const data of all) deliver(data);
        },
        ...(on.finish && { finish: on.finish }),
      },
      request: { url: "/ws", headers: on.headers ?? {}, remoteAddress: on.remoteAddress },
      format: "json",
    });
    /** What is said while nobody reads waits. */
    const deliver = (data: string | Uint8Array): void => {
      if (pauses > 0) unread.push(data);
      else incoming.incoming(data);
    };
    return {
      closed,
      /** Everything sent, as the socket got it. */
      raw,
      /** Whether the server reads no more of it. */
      paused: () => pauses > 0,
      sayRaw: deliver,
      /** A transport tells what it has read, and holds of what is not whole. */
      read: (bytes: number, unfinished: number) => incoming.received(bytes, unfinished),
      say: (...frames: ClientFrame[]) => deliver(JSON.stringify(frames)),
      /** Ends the turn and takes what came. */
      async heard(): Promise<Said[]> {
        await hand.settle();
        const all = heard;
        heard = [];
        return all;
      },
      stuff: (bytes: number) => void (buffered = bytes),
      /** All has been written; a quiet transport does not say so. */
      drain(quiet = false) {
        buffered = 0;
        if (!quiet) incoming.drained();
      },
      drop: (code?: number) => incoming.disconnect(code),
    };
  };
  /** A socket whose Hello was answered. */
  const client = async (identity?: { clientId: string; secret: string }, token?: unknown, on: On = {}) => {
    const its = socket(on);
    its.say(hello({ ...(identity && { identity }), ...(token === undefined ? {} : { token }) }));
    const [connected] = await its.heard();
    if (connected?.type !== "Connected") throw new Error(`no Connected but ${JSON.stringify(connected)}`);
    const { clientId, secret = identity?.secret ?? "" } = connected;
    return { ...its, identity: { clientId, secret }, connected };
  };
  /** A packet that speaks for itself (a POST), and what it was answered. */
  const post = (...frames: ClientFrame[]) => {
    const heard: Said[] = [];
    const closed: { code: number; reason: string }[] = [];
    const leave = server.speak({
      data: JSON.stringify(frames),
      connection: {
        send: ({ bytes }) => void heard.push(JSON.parse(Buffer.from(bytes).toString()) as Said),
        close: (code, reason) => void closed.push({ code, reason }),
        bufferedAmount: () => 0,
      },
      request: { url: "/calla", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    return { heard, closed, leave };
  };
  /** What a promise of the server comes to, with the turns and the time it needs. */
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    const state = { waiting: true };
    const end = () => void (state.waiting = false);
    promise.then(end, end);
    for (let tries = 0; tries < 20; tries++) {
      await hand.settle();
      if (!state.waiting) return promise;
      await hand.advance(1);
    }
    throw new Error("still waiting");
  };
  return { server, errors, refused, socket, client, post, done, ...hand };
}

export const subscribe = (target: string, ref = 1, more: object = {}): ClientFrame => ({
  type: "Subscribe",
  target,
  ref,
  settled: 0,
  sent: 0,
  ...more,
});
export const unsubscribe = (target: string, ref = 1): ClientFrame => ({ type: "Unsubscribe", target, ref });
export const hello = (more: object = {}): ClientFrame => ({
  type: "Hello",
  protocol: PROTOCOL_VERSION,
  slices: wiring.versions(),
  targets: [],
  ...more,
});
export const saySession = (mid: number, message: unknown, more: object = {}): ClientFrame =>
  say("@", mid, message, more);
/** Only what kind of frames came. */
export const types = (said: readonly Said[]): string[] => said.map(({ type }) => type);
/** One message, several with one fate, or null: a mid that was given up. */
export const say = (target: string, mid: number, message: unknown, more: object = {}): ClientFrame => ({
  type: "TopicMessage",
  target,
  mid,
  id: `id-${mid}`,
  settled: 0,
  messages: message === null ? [] : Array.isArray(message) ? (message as readonly unknown[]) : [message],
  ...more,
});

/** Two nodes over one log; their doorbell is in the test's hand. */
export function twoNodes(log: LogStorage = memoryLog({ shared: true })) {
  const hand = handClock();
  const rings = handPubSub();
  const near = wire({ log, pubsub: rings.pubsub }, hand);
  const far = wire({ log, pubsub: rings.pubsub, random: countingRandom(9) }, hand);
  for (const { server } of [near, far]) server.handle(list, { public: true });
  return { near, far, rings, log, ...hand };
}
