// All clients of a run as one: they come, speak as much as their windows allow, and every delivery is checked.
import { setTimeout as sleep } from "node:timers/promises";
import type { Dialect, Heard } from "./dialects.ts";
import { Peer } from "./peer.ts";
import { PollPeer } from "./poll-peer.ts";
import type { Talker } from "./talker.ts";
import { StreamPeer } from "./stream-peer.ts";
import { TopicCheck } from "./topic-check.ts";

const PEERS = { sockets: Peer, streams: StreamPeer, polls: PollPeer };
const PATIENCE = 20_000;
/** Of many messages one by one, on a busy machine. */
export const WARM_PATIENCE = 120_000;
/** Handshakes under way at once. */
const ARRIVING = 50;

/** Waits for what must come. */
export async function until(
  what: string,
  come: () => boolean,
  wrong: (why: string) => never,
  patience = PATIENCE,
): Promise<void> {
  const deadline = Date.now() + patience;
  while (!come()) {
    if (Date.now() > deadline) wrong(`still waiting for ${what}`);
    await sleep(5);
  }
}

/** Who they are, and where. */
export interface CrowdOptions {
  readonly dialect: Dialect;
  /** What their topics are called, before the number. */
  readonly topic: "room:" | "room:bulk-" | "list:" | "records:";
  readonly topics: number;
  /** Of each topic. */
  readonly peers: number;
  readonly follow: boolean;
  wrong(why: string): never;
}

/** All clients of a run. */
export class Crowd {
  readonly peers: Talker[] = [];
  readonly checks: TopicCheck[] = [];
  /** Messages whose outcome is known. */
  decided = 0;
  window = 0;
  /** Called when the outcome of one's last message is known. */
  outcome: ((peer: Talker) => void) | undefined;
  /** How many each says at the most. */
  quota = Infinity;
  readonly #checkOf = new Map<Talker, TopicCheck>();
  readonly #options: CrowdOptions;
  #heard: Heard & { peer: Talker | undefined };

  constructor(options: CrowdOptions) {
    this.#options = options;
    const { dialect, wrong } = options;
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
      frame: (peer: Talker, bytes: Buffer, start: number, end: number) =>
        this.#frame(peer, bytes, start, end),
      read: (peer: Talker) => this.#speak(peer),
      closed: (peer: Talker, why: string) => wrong(`client ${peer.number}: ${why}`),
    };
    for (let topic = 0; topic < options.topics; topic++) {
      const check = new TopicCheck(`${options.topic}${topic}`, dialect, { wrong });
      this.checks.push(check);
      for (let i = 0; i < options.peers; i++) {
        const number = this.peers.length;
        const peer = new PEERS[dialect.hears ?? "sockets"](number, events);
        this.peers.push(peer);
        check.peers.set(peer.number, peer);
        this.#checkOf.set(peer, check);
      }
    }
  }

  async arrive(port: number): Promise<void> {
    const { dialect, follow, wrong } = this.#options;
    const { path, protocol } = dialect;
    for (let i = 0; i < this.peers.length; i += ARRIVING) {
      const group = this.peers.slice(i, i + ARRIVING);
      await Promise.all(
        group.map(async (peer) => {
          await peer.open(port, path, protocol);
          const opening = dialect.opening(peer, this.#checkOf.get(peer)!.topic, follow);
          if (opening.length > 0) peer.send(opening);
          else if (!follow && dialect.server[0] !== "server-socket-io") peer.joined = true;
        }),
      );
      await until("clients to join", () => group.every(({ joined }) => joined), wrong);
    }
  }

  /** Everybody who speaks sends as much as their window allows, from now on whenever there is room in it. */
  start(window: number, speakers: number): void {
    this.window = window;
    for (const peer of this.peers.slice(0, speakers))
      this.say(peer, Math.min(window, this.quota - peer.sent));
  }

  say(peer: Talker, count: number): void {
    const { topic } = this.#checkOf.get(peer)!;
    const texts = this.#options.dialect.dispatch(peer, topic, peer.sent + 1, count);
    peer.sent += count;
    peer.send(texts);
  }

  close(): void {
    for (const peer of this.peers) peer.close();
  }

  get deliveries(): number {
    return this.checks.reduce((sum, { deliveries }) => sum + deliveries, 0);
  }

  /** Stops speaking, waits for what is under way, and sees that nothing was lost anywhere. */
  async settle(): Promise<void> {
    this.window = 0;
    const { wrong } = this.#options;
    await until("outcomes", () => this.peers.every(({ sent, decided }) => sent === decided), wrong);
    await until("deliveries", () => this.checks.every(({ quiet }) => quiet), wrong);
    await sleep(50); // a delivery too many would come now
    for (const check of this.checks) {
      const sent = [...check.peers.values()].reduce((sum, peer) => sum + peer.sent, 0);
      const due = this.#options.follow ? sent * check.peers.size : check.deliveries;
      if ((this.#options.follow && check.said !== sent) || check.deliveries !== due || !check.quiet)
        wrong(`${check.topic}: ${sent} sent, ${check.said} said, ${check.deliveries} of ${due} deliveries`);
    }
  }

  #frame(peer: Talker, bytes: Buffer, start: number, end: number): void {
    const check = this.#checkOf.get(peer)!;
    const { dialect } = this.#options;
    if (dialect.shared(bytes, start)) {
      const own = check.received(peer, bytes, start, end);
      if (own > 0) this.#decide(peer, own);
    } else {
      this.#heard.peer = peer;
      dialect.personal(peer, check.topic, this.#options.follow, bytes.subarray(start, end), this.#heard);
    }
  }

  #decide(peer: Talker, count: number): void {
    peer.decided += count;
    this.decided += count;
    if (peer.decided > peer.sent)
      this.#options.wrong(`client ${peer.number} has more outcomes than messages`);
    this.outcome?.(peer);
  }

  #speak(peer: Talker): void {
    const room = Math.min(this.window - (peer.sent - peer.decided), this.quota - peer.sent);
    if (peer.sent > 0 && room > 0) this.say(peer, room);
  }
}
