// A broadcast, from its call to every connection on its topic, here and on other nodes. Other nodes do what is done here;
// what comes from them is a peer's, and is checked.
import { CallaError, isBytes } from "@calla/shared";
import { contain } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import type { PubSub } from "../../cluster/pubsub.ts";
import type { JsonObject, Payload } from "../wire/message.ts";
import { SharedEvent } from "../wire/shared-message.ts";
import { isPayload, mustBePayload } from "./channels-context.ts";
import { TopicIndex } from "./topic-index.ts";
import type { TopicMember } from "./topic-index.ts";

/** Between nodes: `bytes` in base64, where the payload is no object. */
interface Relayed {
  readonly node: string;
  readonly from?: string | undefined;
  readonly event: string;
  readonly payload?: JsonObject;
  readonly bytes?: string;
}

/** Topics that one broadcast goes out on at this moment, and what is broadcast on them meanwhile. */
class Sweep {
  readonly #topics: readonly string[];
  #set: ReadonlySet<string> | undefined;
  /** In the order in which it was said. It grows while that is said. */
  readonly behind: {
    readonly topic: string;
    readonly said: SharedEvent;
    readonly from: string | undefined;
  }[] = [];

  constructor(topics: readonly string[]) {
    this.#topics = topics;
  }

  has(topic: string): boolean {
    if (this.#topics.length === 1) return this.#topics[0] === topic;
    // Of many: seldom asked, so made when it is.
    return (this.#set ??= new Set(this.#topics)).has(topic);
  }

  wait(topic: string, said: SharedEvent, from: string | undefined): void {
    if (this.behind.length >= MOST_BEHIND * this.#topics.length)
      throw new Error(`Broadcasts on "${topic}" bring forth others without end.`);
    this.behind.push({ topic, said, from });
  }
}
/** An end for a `handleOut` that repeats itself, and more than the crash of all who hear a broadcast brings forth. For each topic. */
const MOST_BEHIND = 10_000;

const channelOf = (topic: string): string => `phoenix:${topic}`;

export class Broadcasting {
  readonly index: TopicIndex;
  readonly #pubsub: PubSub | undefined;
  readonly #node: string;
  readonly #report: Report;
  readonly #silences = new Map<string, () => void>();
  /**
   * One within the other. What `handleOut`, or the `terminate` of who hears it, broadcasts on a topic of theirs goes behind:
   * otherwise some would hear that before it, and others behind it (BC10).
   */
  readonly #sweeps: Sweep[] = [];
  /** Serialisers that cannot say bytes were told of once. */
  #toldOfBytes = false;

  /** `pubsub` undefined: there are no other nodes. */
  constructor(pubsub: PubSub | undefined, node: string, report: Report) {
    this.#pubsub = pubsub;
    this.#node = node;
    this.#report = report;
    this.index = new TopicIndex({
      topicBegins: (topic) => this.#listen(topic),
      topicEnds: (topic) => this.#ignore(topic),
    });
  }

  /** To all on the topics, on every node, but one connection. @throws TypeError: the payload is none. */
  broadcast(topics: readonly string[], event: string, payload: Payload, from: string | undefined): void {
    mustBePayload(event, payload);
    if (this.#pubsub !== undefined) {
      const relayed: Relayed = {
        node: this.#node,
        from,
        event,
        ...(isBytes(payload)
          ? { bytes: Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("base64") }
          : { payload }),
      };
      for (const topic of topics) this.#pubsub.publish(channelOf(topic), relayed);
    }
    this.here(topics, event, payload, from);
  }

  /** The same on this node only. Throws as that. */
  here(topics: readonly string[], event: string, payload: Payload, from: string | undefined): void {
    mustBePayload(event, payload);
    this.tell(topics, new SharedEvent(event, payload), from);
  }

  /** What may have been written already, on this node only. */
  tell(topics: readonly string[], said: SharedEvent, from: string | undefined): void {
    const begun: string[] = [];
    const audiences: Iterable<TopicMember>[] = [];
    // All of them first: what is broadcast meanwhile goes out behind this one on each of them (BC10, GR7).
    for (const topic of topics) {
      const under = this.#sweeps.length === 0 ? undefined : this.#sweeps.find((sweep) => sweep.has(topic));
      const audience = under === undefined ? this.index.on(topic) : undefined;
      under?.wait(topic, said, from);
      if (audience === undefined) continue;
      begun.push(topic);
      audiences.push(audience);
    }
    if (begun.length === 0) return;
    const sweep = new Sweep(begun);
    this.#sweeps.push(sweep);
    try {
      for (const [at, topic] of begun.entries()) this.#fanOut(topic, audiences[at]!, said, from);
    } finally {
      for (const { topic, said, from } of sweep.behind)
        contain(this.#report, () => this.#fanOut(topic, this.index.on(topic) ?? [], said, from));
      this.#sweeps.splice(this.#sweeps.indexOf(sweep), 1);
    }
  }

  #fanOut(audience: string, all: Iterable<TopicMember>, said: SharedEvent, from: string | undefined): void {
    const [first] = all;
    // All of an audience are on one topic, whatever the audience is called.
    const topic = first?.topic ?? audience;
    const { event } = said;
    // What is broadcast was looked at: it is an object or bytes.
    const payload = said.payload as Payload;
    const shared = said.on(topic);
    // Who it is is looked at only where it counts: of many it is the first thing that no cache has.
    for (const channel of all)
      if (from === undefined || channel.socketId !== from) channel.hear(shared, event, payload);
    if (shared.unsayable === undefined || this.#toldOfBytes) return;
    this.#toldOfBytes = true;
    const what = `"${event}" on "${topic}" carries bytes, which some clients cannot hear (V1 and LongPoll none, V2 over WebSocket with names up to 255 bytes): ${shared.unsayable.message} Say it as an object. This is told once.`;
    this.#report(new CallaError("transport", { topic, event }, what));
  }

  #listen(topic: string): void {
    const silence = this.#pubsub?.subscribe(channelOf(topic), (told) => this.#told(topic, told));
    if (silence !== undefined) this.#silences.set(topic, silence);
  }

  #ignore(topic: string): void {
    this.#silences.get(topic)?.();
    this.#silences.delete(topic);
  }

  #told(topic: string, told: unknown): void {
    const { node, from, event, payload, bytes } = (told ?? {}) as Partial<Relayed>;
    if (node === this.#node) return;
    const said = typeof bytes === "string" ? new Uint8Array(Buffer.from(bytes, "base64")) : payload;
    if (typeof event !== "string" || !isPayload(said))
      throw new CallaError("protocol", { channel: channelOf(topic) });
    this.here([topic], event, said, from);
  }
}
