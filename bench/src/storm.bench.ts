// A reconnect storm: a thousand clients that held a topic's state are cut off, miss ten messages and come back at once.
// How long until all are current, what it costs the server, what each is sent. Every answer is read: the first of its
// kind is parsed and must be what was missed, or the whole state, and the others must be the same bytes.
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { answerIn } from "./answers.ts";
import type { Answer } from "./answers.ts";
import { Crowd } from "./crowd.ts";
import { dialectOf } from "./dialects.ts";
import type { Stood } from "./dialects.ts";
import { firstItems, moved, spokenBy } from "./fixtures.ts";
import { median } from "./median.ts";
import { Peer } from "./peer.ts";
import type { PeerEvents, Talker } from "./talker.ts";
import type { Assignment, Measured } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const dialect = dialectOf(assignment.system);
const wrong = (why: string): never => {
  process.stderr.write(`${assignment.system}, storm: ${why}\n`);
  process.exit(1);
};

const CLIENTS = assignment.quick ? 200 : 1_000;
/** Code that a server runs all day is compiled; here that takes some thousand handshakes. */
const WARM_UP = assignment.quick ? 1 : 6;
const STORMS = assignment.quick ? 1 : 5;
const BEFORE = 20;
const MISSED = 10;
/** Handshakes under way at once: more than a listening socket holds would wait for TCP's own repetition. */
const ARRIVING = 200;
const PATIENCE = 20_000;
const TOPIC = "list:0";

const server = new ServerProcess(dialect.server, assignment, wrong);
const port = await server.port();

/** What the answers of one wave say, of which all must be alike. */
class Wave {
  readonly peers: Talker[] = [];
  answer: Answer | undefined;
  #bytes: Buffer | undefined;
  #current = 0;
  #complete: (() => void) | undefined;
  #free = ARRIVING;
  #next: (() => void)[] = [];
  readonly #right: (answer: Answer) => boolean;
  readonly #events: PeerEvents = {
    frame: (peer, bytes, start, end) => this.#frame(peer, bytes, start, end),
    read: () => undefined,
    closed: (peer, why) => wrong(`client ${peer.number}: ${why}`),
  };

  constructor(right: (answer: Answer) => boolean) {
    this.#right = right;
  }

  /** Everybody comes; resolves once all are current. */
  async come(stood: readonly (Stood | undefined)[]): Promise<void> {
    const late = setTimeout(() => wrong(`${this.#current} of ${stood.length} are current`), PATIENCE);
    const complete = new Promise<void>((resolve) => (this.#complete = resolve));
    for (const [number, from] of stood.entries()) {
      const peer = new Peer(number + 1, this.#events);
      peer.name = from?.name ?? "";
      this.peers.push(peer);
      const opening = dialect.opening(peer, TOPIC, true, from);
      if (this.#free === 0) await new Promise<void>((resolve) => this.#next.push(resolve));
      this.#free--;
      void peer.open(port, dialect.path, dialect.protocol).then(() => peer.send(opening));
    }
    await complete;
    clearTimeout(late);
  }

  #frame(peer: Talker, bytes: Buffer, start: number, end: number): void {
    if (peer.joined) wrong("an answer too many");
    const same = this.#bytes?.length === end - start && this.#bytes.compare(bytes, start, end) === 0;
    if (!same) {
      const copy = Buffer.from(bytes.subarray(start, end));
      const answer = answerIn(dialect, peer, copy, wrong);
      if (answer === undefined) return;
      if (this.#bytes !== undefined) wrong("two got different answers");
      if (!this.#right(answer)) wrong(`it is not what was missed: ${copy.toString("utf8", 0, 300)}`);
      this.#bytes = copy;
      this.answer = answer;
    }
    peer.joined = true;
    this.#free++;
    this.#next.shift()?.();
    if (++this.#current === CLIENTS) this.#complete!();
  }
}

// One that stays says what the others miss.
const crowd = new Crowd({ dialect, topic: "list:", topics: 1, peers: 1, follow: true, wrong });
await crowd.arrive(port);
const items = [...firstItems()];
async function say(count: number): Promise<void> {
  const speaker = crowd.peers[0]!;
  for (let n = speaker.sent + 1; n <= speaker.sent + count; n++) {
    const { item, x, y } = moved(speaker.number, n);
    items[item] = { ...items[item]!, x, y };
  }
  crowd.say(speaker, count);
  await crowd.settle();
}

/** Whether an answer holds everything up to now: the last messages, or all items as they must be. */
function right({ sequence, messages, items: shown }: Answer): boolean {
  const { sent } = crowd.peers[0]!;
  if (sequence !== sent) return false;
  if (shown !== undefined) return isDeepStrictEqual(shown, items);
  return messages?.length === MISSED && messages.every((one, i) => spokenBy(one).n === sent - MISSED + i + 1);
}

await say(BEFORE);
let wave = new Wave(right);
await wave.come(Array.from({ length: CLIENTS }, () => undefined));
interface Storm {
  readonly took: number;
  readonly cpu: number;
  readonly bytes: number;
  readonly busy: Omit<ReturnType<ReturnType<typeof watch>>, "elapsed">;
}

/** All are cut off, miss messages and come back; in between the server collects its garbage as it likes, or all of it. */
async function storm(collected: "as it likes" | "all"): Promise<Storm> {
  const { sequence, mark } = wave.answer!;
  const stood = wave.peers.map(({ name, secret }) => ({ name, secret, sequence, mark }));
  for (const peer of wave.peers) peer.close();
  await sleep(200);
  await say(MISSED);
  if (collected === "all") await server.stats("stats-after-gc");
  wave = new Wave(right);
  const before = await server.stats();
  const [began, watched] = [performance.now(), watch()];
  await wave.come(stood);
  const took = performance.now() - began;
  const cpu = (await server.stats()).cpu - before.cpu;
  const { elapsed: _, ...busy } = watched(cpu);
  const bytes = wave.peers.reduce((sum, peer) => sum + peer.bytes, 0) / 1_024 / CLIENTS;
  return { took, cpu: cpu / CLIENTS, bytes, busy };
}

async function storms(count: number, collected: "as it likes" | "all"): Promise<readonly Storm[]> {
  const done: Storm[] = [];
  while (done.length < count) done.push(await storm(collected));
  return done;
}

await storms(WARM_UP, "as it likes");
if (assignment.profile !== undefined) await server.ask("profile");
const warm = await storms(STORMS, "as it likes");
if (assignment.profile !== undefined) await server.ask("profiled");
// A full collection while nobody is there throws away compiled code, too: V8 drops what it made for shapes of which no
// object is left. A server that was only just empty compiles all of it again during the storm.
const cold = await storms(STORMS, "all");
for (const peer of wave.peers) peer.close();
crowd.close();
await server.stop();
const middle = (of: (one: Storm) => number, list = warm): number => median(list.map(of));
const told: Measured = {
  took: middle(({ took }) => took),
  tookCold: middle(({ took }) => took, cold),
  cpu: middle(({ cpu }) => cpu),
  bytes: middle(({ bytes }) => bytes),
  serverBusy: middle(({ busy }) => busy.serverBusy),
  loadBusy: middle(({ busy }) => busy.loadBusy),
  others: middle(({ busy }) => busy.others),
};
process.send!(told, () => process.exit());
