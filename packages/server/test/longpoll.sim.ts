// A client and its network at their worst, against the transport: polls lost, doubled and given up, POSTs doubled and cut
// off, sessions that end at any moment. What LP3 to LP35 promise is held against what arrived. Seeded: CALLA_SEED runs one
// seed again, CALLA_POLLS says how many.
import { expect, it } from "vitest";
import { NDJSON, polled } from "./polling.ts";
import type { StubSocket } from "./polling.ts";
import { countingRandom } from "./wired.ts";

const WINDOW = 10_000;
const STEPS = 120;

/** What is known of one session, on both sides. */
interface Tracked {
  readonly token: string;
  readonly socket: StubSocket;
  /** Numbers pushed to it, and those that arrived, in order of the answers. */
  pushed: number;
  readonly arrived: number[];
  /** Answers that were lost on their way carried these. */
  readonly lost: Set<number>;
  /** Batches in the order in which they came whole, and those of which nothing may be said. */
  readonly batches: string[][];
  /** A poll under way each. */
  readonly polls: Map<AbortController, Promise<void>>;
  over: boolean;
}

async function run(seed: number): Promise<{ readonly arrived: number; readonly kept: number }> {
  const random = countingRandom(seed);
  for (let i = 0; i < 5; i++) random.uint32();
  const upTo = (most: number): number => Math.floor((random.uint32() / 2 ** 32) * most);
  const strictPhoenix = seed % 4 === 0;
  const world = polled({ host: { strictPhoenix } });
  const sessions: Tracked[] = [];
  let counted = 0;
  let current = await begin();

  async function begin(): Promise<Tracked> {
    const { token, socket } = await world.begin();
    const session: Tracked = {
      token,
      socket,
      pushed: 0,
      arrived: [],
      lost: new Set(),
      batches: [],
      polls: new Map(),
      over: false,
    };
    sessions.push(session);
    return session;
  }

  function poll(session: Tracked): void {
    const giving = new AbortController();
    const lost = upTo(20) === 0;
    const polling = world.get({ token: session.token, signal: giving.signal }).then((answer) => {
      session.polls.delete(giving);
      if (answer.http === 499) return;
      expect(answer.http).toBe(200);
      if (answer.status === 410) session.over = true;
      const numbers = answer.messages.map((text) => (JSON.parse(text) as [0, 0, 0, 0, { n: number }])[4].n);
      if (!lost) return void session.arrived.push(...numbers);
      for (const n of numbers) session.lost.add(n);
    });
    session.polls.set(giving, polling);
  }

  async function post(session: Tracked): Promise<void> {
    const batch = Array.from({ length: 1 + upTo(4) }, () => String(++counted));
    const body = batch.map((ref) => `["1","${ref}","t","said",{}]`).join("\n");
    const times = upTo(4) === 0 ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const { status } = await world.ask("POST", { token: session.token, body, headers: NDJSON });
      if (status === 200) session.batches.push(batch);
      else expect(status).toBe(410);
    }
  }

  /** A body that breaks off: nothing of it may be said. */
  async function breakOff(session: Tracked): Promise<void> {
    let fail = (): void => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('["1","never","t","said",{}]\n["1","nev'));
        fail = () => controller.error(new Error("cut off"));
      },
    });
    const url = `http://host/socket/longpoll?token=${session.token}`;
    const request = new Request(url, {
      method: "POST",
      body,
      headers: NDJSON,
      duplex: "half",
    } as RequestInit);
    const answering = world.transport.fetch(request);
    await world.settle();
    fail();
    expect([200, 408]).toContain((await answering)!.status);
  }

  for (let step = 0; step < STEPS; step++) {
    const session = upTo(10) === 0 ? sessions[upTo(sessions.length)]! : current;
    const act = upTo(100);
    if (act < 30) poll(session);
    else if (act < 42) {
      const [giving] = [...session.polls.keys()].slice(upTo(session.polls.size));
      giving?.abort();
    } else if (act < 68) {
      const many = 1 + upTo(5);
      for (let i = 0; i < many; i++) session.socket.push("n", { n: ++session.pushed });
      // In the same turn the poll that would take it may be given up.
      if (upTo(6) === 0) for (const giving of session.polls.keys()) giving.abort();
    } else if (act < 78) await post(session);
    else if (act < 81) await breakOff(session);
    else if (act < 83) session.socket.connection.close(1012, "draining");
    else if (act < 85) current = await begin();
    else await world.advance(upTo(act < 97 ? 500 : 8_000));
    if (upTo(3) > 0) await world.settle();
    if (current.over || current.socket.ends.length > 0) current = await begin();
  }

  // The network is well again: what was kept is told, to the last.
  await world.settle();
  for (const session of sessions) {
    if (session.socket.ends.length > 0) continue;
    for (const giving of session.polls.keys()) giving.abort();
    await world.settle();
    poll(session);
    await world.settle();
  }
  for (const { arrived, lost, pushed, socket, batches } of sessions) {
    const all = [...arrived, ...lost].toSorted((a, b) => a - b);
    expect(arrived, "in order, and none twice").toEqual([...new Set(arrived)].toSorted((a, b) => a - b));
    expect(all, "none left out, but at the end of a session").toEqual(
      Array.from({ length: socket.ends.length === 0 ? pushed : all.length }, (_, i) => i + 1),
    );
    expect(socket.said.map(({ ref }) => ref)).toEqual(batches.flat());
  }
  // And whoever polls no more is forgotten.
  const arrived = sessions.reduce((sum, one) => sum + one.arrived.length, 0);
  const kept = world.transport.connections;
  await world.advance(WINDOW * 4);
  expect(world.transport.connections).toBe(0);
  for (const { socket, polls } of sessions) {
    expect(socket.ends).toHaveLength(1);
    expect(polls.size).toBe(0);
  }
  expect(world.errors).toEqual([]);
  return { arrived, kept };
}

const seeds = process.env["CALLA_SEED"] === undefined ? Number(process.env["CALLA_POLLS"] ?? 80) : 1;

it("[LP31] [LP34] [LP35] whatever becomes of polls and POSTs, what arrives is in order, whole and once", async () => {
  let arrived = 0;
  let kept = 0;
  const first = Number(process.env["CALLA_SEED"] ?? 1);
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      const came = await run(seed);
      arrived += came.arrived;
      kept += came.kept;
    } catch (error) {
      throw new Error(`CALLA_SEED=${seed}`, { cause: error });
    }
  }
  // It was not quiet for nothing.
  if (seeds >= 80) expect(Math.min(arrived / (seeds * 10), kept / (seeds / 4))).toBeGreaterThan(1);
}, 120_000);
