// The load: one process that starts a server, is all of its clients, measures, and checks every delivery. Started by
// run.bench.ts with an assignment, it tells what it measured and ends.
import { DIALECTS } from "./dialects.ts";
import type { Heard } from "./dialects.ts";
import { Peer } from "./peer.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Assignment, Measured, Scenario } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";
import { TopicCheck } from "./topic-check.ts";

const WARM_UP = 1_000;
const PATIENCE = 20_000;
/** Handshakes under way at once. */
const ARRIVING = 50;

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const scenario = SCENARIOS.find(({ name }) => name === assignment.scenario)!;
const dialect = DIALECTS[assignment.system];

const wrong = (why: string): never => {
  process.stderr.write(`${assignment.system}, ${scenario.name}: ${why}\n`);
  process.exit(1);
};
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for what must come. */
async function until(what: string, come: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!come()) {
    if (Date.now() > deadline) wrong(`still waiting for ${what}`);
    await sleep(5);
  }
}

/** All clients of a run. */
class Crowd {
  readonly peers: Peer[] = [];
  readonly checks: TopicCheck[] = [];
  /** Messages whose outcome is known. */
  decided = 0;
  window = 0;
  readonly #checkOf = new Map<Peer, TopicCheck>();
  readonly #scenario: Scenario;
  #heard: Heard & { peer: Peer | undefined };

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#heard = {
      peer: undefined,
      wrong,
      joined: () => {
        this.#heard.peer!.joined = true;
      },
      decided: (n) => {
        const peer = this.#heard.peer!;
        if (n !== peer.decided + 1) wrong(`outcome of ${n} after that of ${peer.decided}`);
        this.#decide(peer, 1);
      },
    };
    const events = {
      frame: (peer: Peer, bytes: Buffer, start: number, end: number) => this.#frame(peer, bytes, start, end),
      read: (peer: Peer) => this.#speak(peer),
      closed: (peer: Peer, why: string) => wrong(`client ${peer.number}: ${why}`),
    };
    for (let topic = 0; topic < scenario.topics; topic++) {
      const check = new TopicCheck(`room:${topic}`, dialect, { wrong });
      this.checks.push(check);
      for (let i = 0; i < scenario.peers; i++) {
        const peer = new Peer(this.peers.length, events);
        this.peers.push(peer);
        check.peers.set(peer.number, peer);
        this.#checkOf.set(peer, check);
      }
    }
  }

  async arrive(port: number): Promise<void> {
    const { path, protocol } = dialect;
    for (let i = 0; i < this.peers.length; i += ARRIVING) {
      const group = this.peers.slice(i, i + ARRIVING);
      await Promise.all(
        group.map(async (peer) => {
          await peer.open(port, path, protocol);
          const opening = dialect.opening(this.#checkOf.get(peer)!.topic, this.#scenario.follow);
          if (opening.length > 0) peer.send(opening);
          else if (!this.#scenario.follow && dialect.server[0] === "server-ws") peer.joined = true;
        }),
      );
      await until("clients to join", () => group.every(({ joined }) => joined));
    }
  }

  /** Everybody who speaks sends as much as their window allows, from now on whenever there is room in it. */
  start(window: number, speakers: "first" | "all"): void {
    this.window = window;
    for (const peer of speakers === "all" ? this.peers : this.peers.slice(0, 1)) this.say(peer, window);
  }

  say(peer: Peer, count: number): void {
    const { topic } = this.#checkOf.get(peer)!;
    const texts = dialect.dispatch(peer, topic, peer.sent + 1, count);
    peer.sent += count;
    peer.send(texts);
  }

  get deliveries(): number {
    return this.checks.reduce((sum, { deliveries }) => sum + deliveries, 0);
  }

  /** Stops speaking, waits for what is under way, and sees that nothing was lost anywhere. */
  async settle(): Promise<void> {
    this.window = 0;
    await until("outcomes", () => this.peers.every(({ sent, decided }) => sent === decided));
    await until("deliveries", () => this.checks.every(({ quiet }) => quiet));
    await sleep(50); // a delivery too many would come now
    for (const check of this.checks) {
      const sent = [...check.peers.values()].reduce((sum, peer) => sum + peer.sent, 0);
      const due = this.#scenario.follow ? sent * check.peers.size : check.deliveries;
      if ((this.#scenario.follow && check.said !== sent) || check.deliveries !== due || !check.quiet)
        wrong(`${check.topic}: ${sent} sent, ${check.said} said, ${check.deliveries} of ${due} deliveries`);
    }
  }

  #frame(peer: Peer, bytes: Buffer, start: number, end: number): void {
    const check = this.#checkOf.get(peer)!;
    if (dialect.shared(bytes, start)) {
      const own = check.received(peer, bytes, start, end);
      if (own > 0) this.#decide(peer, own);
    } else {
      this.#heard.peer = peer;
      dialect.personal(
        peer,
        check.topic,
        this.#scenario.follow,
        bytes.toString("utf8", start, end),
        this.#heard,
      );
    }
  }

  #decide(peer: Peer, count: number): void {
    peer.decided += count;
    this.decided += count;
    if (peer.decided > peer.sent) wrong(`client ${peer.number} has more outcomes than messages`);
  }

  #speak(peer: Peer): void {
    const room = this.window - (peer.sent - peer.decided);
    if (peer.sent > 0 && room > 0) this.say(peer, room);
  }
}

/** Says one message at a time, at its time; tells how long each took to the last subscriber. */
async function pace(crowd: Crowd, perSecond: number, milliseconds: number): Promise<number[]> {
  const speaker = crowd.peers[0]!;
  const began = new Map<number, number>();
  const took: number[] = [];
  crowd.checks[0]!.complete = (messages) => {
    const now = performance.now();
    for (const { n } of messages) took.push(now - began.get(n)!);
  };
  const start = performance.now();
  const count = Math.floor((milliseconds * perSecond) / 1_000);
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, start + (i * 1_000) / perSecond - performance.now()));
    began.set(speaker.sent + 1, performance.now());
    crowd.say(speaker, 1);
  }
  await until("the last message", () => took.length === count);
  return took.toSorted((a, b) => a - b);
}

async function idle(crowd: Crowd, server: ServerProcess, port: number): Promise<Measured> {
  const before = await server.stats("stats-after-gc");
  const watched = watch();
  await crowd.arrive(port);
  const arrived = await server.stats();
  const { elapsed: _, ...busy } = watched(arrived.cpu - before.cpu);
  await sleep(assignment.quick ? 100 : 1_000);
  const after = await server.stats("stats-after-gc");
  return {
    memory: (after.rss - before.rss) / 1_024 / crowd.peers.length,
    cpu: (arrived.cpu - before.cpu) / crowd.peers.length,
    ...busy,
  };
}

async function busy(crowd: Crowd, server: ServerProcess): Promise<Measured> {
  const { speaks, counted, seconds } = scenario;
  const milliseconds = assignment.quick ? 500 : 1_000 * seconds;
  const counter = (): number => (counted === "deliveries" ? crowd.deliveries : crowd.decided);
  let latencies: number[] | undefined;
  if (speaks.how === "window") crowd.start(speaks.window, speaks.speakers);
  else if (speaks.how === "paced") await pace(crowd, speaks.perSecond, WARM_UP);
  if (speaks.how === "window") await sleep(assignment.quick ? 200 : WARM_UP);
  if (assignment.profile !== undefined) await server.ask("profile");

  const before = await server.stats();
  const [count, watched] = [counter(), watch()];
  if (speaks.how === "paced") latencies = await pace(crowd, speaks.perSecond, milliseconds);
  else await sleep(milliseconds);
  const after = await server.stats();
  const done = counter() - count;
  const cpu = after.cpu - before.cpu;
  const { elapsed, ...busy } = watched(cpu);

  if (assignment.profile !== undefined) await server.ask("profiled");
  await crowd.settle();
  return {
    cpu: cpu / done,
    ...busy,
    ...(latencies === undefined
      ? { rate: (1_000_000 * done) / elapsed }
      : {
          p50: latencies[Math.floor(latencies.length / 2)]!,
          p99: latencies[Math.floor(0.99 * (latencies.length - 1))]!,
        }),
  };
}

const server = new ServerProcess(dialect.server, assignment, wrong);
const port = await server.port();
const crowd = new Crowd(scenario);
let measured: Measured;
if (scenario.speaks.how === "not") measured = await idle(crowd, server, port);
else {
  await crowd.arrive(port);
  measured = await busy(crowd, server);
}
for (const peer of crowd.peers) peer.close();
await server.stop();
process.send!(measured, () => process.exit());
