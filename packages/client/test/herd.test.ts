// All who are connected lose it in one moment, without a word (a crash, a cut cable): 10,000 clients on a virtual clock
// before a server that says what a Calla server says (spreadOf in the server's herd.ts), every Hello counted.
import { automatic, json } from "@calla/shared";
import type { Clock } from "@calla/shared";
import { expect, test } from "vitest";
import { createClient } from "../src/client.ts";
import { httpLink } from "../src/transports/http/link.ts";
import type { CloseReason, Transport, TransportHandlers } from "../src/transports/transport.ts";
import { http } from "../src/transports/http/http.ts";
import { webSocket } from "../src/transports/websocket.ts";
import { connectedAs, seededRandom, turn, wiring } from "./kit.ts";

/** Time for many: timers by their millisecond, and few turns of promises between. */
class CrowdClock implements Clock {
  #now = 0;
  readonly #due = new Map<number, Set<() => void>>();
  now(): number {
    return 1_000_000 + this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  setTimeout(run: () => void, milliseconds: number): () => void {
    const at = this.#now + Math.max(0, Math.ceil(milliseconds));
    const due = this.#due.get(at) ?? new Set();
    this.#due.set(at, due.add(run));
    return () => void due.delete(run);
  }
  defer(run: () => void): void {
    queueMicrotask(run);
  }
  async advance(milliseconds: number): Promise<void> {
    for (const end = this.#now + milliseconds; ; this.#now++) {
      for (;;) {
        const due = this.#due.get(this.#now);
        this.#due.delete(this.#now);
        if (!due) break;
        // In this order, and one that is cancelled by another of them is not run.
        for (const run of due) run();
        for (let i = 0; i < 12; i++) await Promise.resolve();
      }
      if (this.#now >= end) return;
    }
  }
}

const serialiser = automatic(json());
const [format] = serialiser.formats;
const spreadOf = (connections: number): number =>
  connections < 500 ? 0 : Math.min(30_000, Math.round(0.8 * connections));
const LATENCY = 5;

/** A server in a few lines; its wire is a socket, or the HTTP link that is in use. */
function crowd(count: number, via: "socket" | "http", options: Partial<Transport["reconnect"]> = {}) {
  const clock = new CrowdClock();
  const there = new Map<number, { receive(text: string): unknown; close(reason: CloseReason): unknown }>();
  const hellos = new Map<number, number>();
  let up = true;
  const hello = (i: number): string | undefined => {
    if (!up) return undefined;
    const second = Math.floor(clock.monotonic() / 1_000);
    hellos.set(second, (hellos.get(second) ?? 0) + 1);
    return JSON.stringify(connectedAs(`c${i}`, { spread: spreadOf(there.size) }));
  };
  const { reconnect } = via === "socket" ? webSocket({ url: "ws://x" }) : http({ url: "http://x" });

  const socket = (i: number, handlers: TransportHandlers) => {
    let over = false;
    const later = (run: () => void): void => void clock.setTimeout(() => over || run(), LATENCY);
    later(() => (up ? handlers.open() : handlers.close({ code: 1006, reason: "" })));
    return {
      send: (data: string | Uint8Array) =>
        later(() => {
          const { type } = JSON.parse(data as string) as { type: string };
          if (type === "Hello") there.set(i, handlers);
          const said = type === "Hello" ? hello(i) : '{"type":"Pong"}';
          later(() =>
            said === undefined ? handlers.close({ code: 1006, reason: "" }) : handlers.receive(said),
          );
        }),
      close: () => void (over = true),
    };
  };
  const stream = (i: number, handlers: TransportHandlers) =>
    httpLink({
      carrier: {
        stream(_, on) {
          let over = false;
          clock.setTimeout(() => {
            if (over) return;
            there.set(i, { receive: (text) => on.data(text), close: ({ reason }) => on.end(0, reason) });
            const said = hello(i);
            if (said === undefined) on.end(0, "refused");
            else on.data(said);
          }, LATENCY);
          return () => void (over = true);
        },
        post: () => ({ answer: new Promise(() => {}), abort: () => {} }),
      },
      slots: { take: () => Promise.resolve(() => {}) },
      clock,
      handlers,
      format: format!,
      flushBatchSize: 10,
      pollInterval: 3_000,
      postTimeout: 15_000,
      silence: 3_000,
      memory: { pollUntil: 0, unsendable: new Map(), tracks: new Map() },
    });

  const back = new Map<number, number>();
  let lost = 0;
  for (let i = 0; i < count; i++) {
    const client = createClient({
      wiring,
      serialiser,
      clock,
      random: seededRandom(i * 7_919 + 1),
      user: null,
      connect: false,
      wakeUps: () => () => {},
      transport: {
        reconnect: { ...reconnect, ...options },
        connect: (handlers) => (via === "socket" ? socket : stream)(i, handlers),
      },
    });
    client.onStatus(({ connection }) => {
      if (connection === "open") back.set(i, clock.monotonic() - lost);
      else back.delete(i);
    });
    clock.setTimeout(() => client.connect(), Math.floor((i * 5_000) / count));
  }
  return {
    clock,
    /** The server's word of now to all (CV19). */
    tell() {
      for (const one of there.values())
        one.receive(JSON.stringify({ type: "Pong", spread: spreadOf(there.size) }));
    },
    /** All of them lose it; none gets in for so long. */
    async lose(outage: number) {
      const gone = [...there.values()];
      hellos.clear();
      there.clear();
      lost = clock.monotonic();
      up = outage === 0;
      clock.setTimeout(() => void (up = true), outage);
      for (const one of gone) one.close({ code: 1006, reason: "" });
      do await clock.advance(500);
      while (back.size < count && clock.monotonic() < lost + 120_000);
      const times = [...back.values()].toSorted((a, b) => a - b);
      return {
        busiest: Math.max(0, ...hellos.values()),
        median: times[count >> 1] ?? Infinity,
        last: times.at(-1),
      };
    },
  };
}

test.each(["socket", "http"] as const)(
  "[CL22] of 10,000 that lose it in one moment no second has more than 2,500 back, at the first, second and third loss: %s",
  async (via) => {
    const { clock, tell, lose } = crowd(10_000, via);
    await clock.advance(6_000);
    for (const outage of via === "socket" ? [0, 3_000, 0] : [0, 0]) {
      tell();
      const { busiest, last } = await lose(outage);
      expect({ outage, busiest: busiest <= 2_500, last: last! < 45_000 }).toEqual({
        outage,
        busiest: true,
        last: true,
      });
    }
  },
  120_000,
);

test.each(["socket", "http"] as const)(
  "[CL22] the few of a small server are back within a second, half of them within 0.6 s: %s",
  async (via) => {
    const { clock, lose } = crowd(400, via);
    for (let i = 0; i < 3; i++) {
      await clock.advance(10_000);
      const { median, last } = await lose(0);
      expect(median).toBeLessThan(600);
      expect(last).toBeLessThanOrEqual(1_000 + 4 * LATENCY);
    }
  },
);

test("[CL22] a server that says to spread over hours keeps nobody away for more than half a minute", async () => {
  const clock = new CrowdClock();
  const attempts: number[] = [];
  let now: TransportHandlers | undefined;
  createClient({
    wiring,
    serialiser,
    clock,
    random: { uint32: () => 0xff_ff_ff_ff },
    user: null,
    wakeUps: () => () => {},
    transport: {
      reconnect: webSocket({ url: "ws://x" }).reconnect,
      connect(handlers) {
        attempts.push(clock.monotonic());
        now = handlers;
        return { send: () => {}, close: () => {} };
      },
    },
  });
  await turn();
  await clock.advance(10);
  now?.open();
  now?.receive(JSON.stringify(connectedAs("c1", { spread: 36_000_000 })));
  await clock.advance(2_000);
  now?.close({ code: 1006, reason: "" });
  await clock.advance(40_000);
  expect(attempts.slice(0, 2)).toEqual([0, 32_010]);
});
