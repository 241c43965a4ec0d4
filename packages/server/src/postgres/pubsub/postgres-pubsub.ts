// Fan-out between nodes by NOTIFY and LISTEN. One channel of Postgres carries all of Calla's: a LISTEN for each would cost
// more than what is not for this node, and names end at 63 bytes. What one node says goes in one order.
import { automatic, CallaError, json } from "@calla/shared";
import type { Clock, DecodeLimits, Random, Serialiser } from "@calla/shared";
import { systemClock, systemRandom } from "../../base/clock.ts";
import { contain, reporter } from "../../base/contain.ts";
import { localPubSub } from "../../cluster/pubsub.ts";
import type { PubSub } from "../../cluster/pubsub.ts";
import { nameOfPlain, plainName } from "../../log/plain-name.ts";
import { postgresCalls } from "../driver/calls.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import { Ear } from "./ear.ts";
import { writeMessage } from "./frames.ts";
import type { Message } from "./frames.ts";
import { Inbox } from "./inbox.ts";
import { KeptLine } from "./kept-line.ts";
import { Outbox } from "./outbox.ts";

/** What `postgresPubSub` takes; every option has a default. */
export interface PostgresPubSubOptions {
  /** The channel of Postgres, at most 63 bytes: apps in one database take different ones. Default "calla". */
  readonly channel?: string;
  /** Milliseconds after which a line that has not heard what this node said is made anew. Default 5,000. */
  readonly heartbeat?: number;
  /** Milliseconds that a call may take. Default 10,000. */
  readonly deadline?: number;
  /**
   * Characters of one message, and of all that waits while the server is away; beyond, the oldest are lost, and all nodes
   * hear of a gap. Default 16 Mi.
   */
  readonly maxWaiting?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: cryptographic chance. */
  readonly random?: Random;
  /** The server is away, or somebody notifies what Calla does not know. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
}

/** A pubsub over a Postgres. */
export interface PostgresPubSub extends PubSub {
  /** Calls back where messages may have been lost until now: after each time without a line. Returns the undo. */
  onGap(listener: () => void): () => void;
  /** How payloads become text; a server says so. Default: the value domain in JSON. */
  carryWith(serialiser: Serialiser): void;
  /** Resolves once it has heard itself. What was published before it listened is lost to this node. */
  ready(): Promise<void>;
  /** Says what waits, within the deadline, and lets go. The driver is the app's to close. */
  close(): Promise<void>;
}

const LONGEST_NAME = 63;
/** As deep as values may be at all. */
const DEEPEST = 512;
/** Gaps that follow each other are told as one. */
const GAP_PAUSE = 1_000;

/**
 * Fan-out between nodes over a Postgres, by NOTIFY. What is large goes in parts, whole or not at all. While the server is
 * away what is published waits; whoever was away hears of a gap.
 *
 * @example
 * const driver = pgDriver({ url: process.env.DATABASE_URL });
 * const server = createServer({ wiring, serialiser, log, pubsub: postgresPubSub(driver) });
 * @throws CallaError `wiring`: the channel's name is empty, too long or has a NUL.
 */
export function postgresPubSub(driver: PostgresDriver, options: PostgresPubSubOptions = {}): PostgresPubSub {
  const { channel = "calla", heartbeat = 5_000, deadline = 10_000, maxWaiting = 16_777_216 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  if (channel === "" || Buffer.byteLength(channel) > LONGEST_NAME || channel.includes("\u0000"))
    throw new CallaError(
      "wiring",
      { channel },
      `postgresPubSub: a channel has 1 to ${LONGEST_NAME} bytes, and no NUL.`,
    );
  const report = reporter(options.onError);
  const local = localPubSub();
  const wanted = new Map<string, number>();
  const gaps = new Set<{ readonly listener: () => void }>();
  let serialiser: Serialiser = automatic(json());
  // What another node may carry is its affair: its limits are, and it is trusted like the log. Memory is bounded by lengths.
  const limits: DecodeLimits = {
    maxFrameBytes: 4 * maxWaiting,
    maxDepth: DEEPEST,
    maxEntries: maxWaiting,
    maxValues: maxWaiting,
    maxNames: maxWaiting,
  };
  const codec = () => {
    const format = serialiser.formats[0]!;
    return { format, payload: serialiser.payload(format) };
  };
  let closed: Promise<void> | undefined;

  // Those that come while one is told soon belong to it.
  let gapDue: "now" | "later" | undefined;
  let missed = false;
  const tellGap = (): void => {
    missed = true;
    if (gapDue !== undefined) return;
    gapDue = "now";
    clock.defer(() => {
      gapDue = "later";
      missed = false;
      for (const gap of Array.from(gaps))
        if (gaps.has(gap) && closed === undefined) contain(report, gap.listener);
      clock.setTimeout(() => {
        gapDue = undefined;
        if (missed && closed === undefined) tellGap();
      }, GAP_PAUSE);
    });
  };

  let told = false;
  const garbled = (payload: string): void => {
    if (told) return;
    told = true; // Until the next line: whoever says one says many.
    report(new CallaError("protocol", { channel, payload: payload.slice(0, 100) }));
  };

  function deliver({ channel: name, text }: Message): void {
    if (closed !== undefined) return;
    contain(report, () => {
      const plain = nameOfPlain(name);
      if (!wanted.has(plain)) return;
      const { format, payload } = codec();
      local.publish(plain, payload.decodeMessage(format.decode(unwrapped(text), limits)));
    });
  }

  const inbox = new Inbox({
    heard: deliver,
    gap: tellGap,
    garbled,
    mostOfOne: maxWaiting,
    mostOfAll: 2 * maxWaiting,
  });
  const sender = Array.from({ length: 2 }, () => random.uint32().toString(36)).join("");
  const outbox = new Outbox({
    calls: postgresCalls({ driver, clock, deadline }),
    clock,
    random,
    channel,
    sender,
    mostWaiting: maxWaiting,
    said: () => ear.said(),
    onError: report,
  });

  const own = `1 ${sender} `;
  let lines = 0;
  let open!: () => void;
  const ready = new Promise<void>((resolve) => {
    open = resolve;
  });
  const ear = new Ear({
    clock,
    heartbeat,
    channel,
    outbox,
    works: () => {
      line.works();
      if (lines++ > 0 || wanted.size > 0) tellGap();
      open();
    },
    dead: (why) => line.dead(why),
  });
  const line = new KeptLine({
    driver,
    clock,
    random,
    channel,
    deadline,
    onError: report,
    heard: (payload) => {
      ear.heard(payload.startsWith(own) ? Number.parseInt(payload.slice(own.length), 10) : undefined);
      inbox.take(payload);
    },
    opened: () => {
      told = false;
      inbox.away();
      ear.listens();
    },
    away: () => ear.away(),
  });

  return {
    publish(name, payload) {
      if (closed !== undefined) return;
      const { format, payload: values } = codec();
      const message = writeMessage({
        channel: plainName(name),
        text: wrapped(format.encode(values.encodeMessage(payload))),
      });
      if (message.length > maxWaiting)
        throw new CallaError("too-large", { channel: name }, "A message is larger than `maxWaiting`.");
      outbox.push(message);
    },
    subscribe(name, listener) {
      wanted.set(name, (wanted.get(name) ?? 0) + 1);
      const silence = local.subscribe(name, (payload) => contain(report, () => listener(payload)));
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        silence();
        const left = (wanted.get(name) ?? 1) - 1;
        if (left === 0) wanted.delete(name);
        else wanted.set(name, left);
      };
    },
    onGap(listener) {
      const gap = { listener };
      gaps.add(gap);
      return () => void gaps.delete(gap);
    },
    carryWith: (given) => void (serialiser = given),
    ready: () => ready,
    close: () =>
      (closed ??= (async () => {
        ear.close();
        line.close();
        await local.close?.();
        await outbox.end();
      })()),
  };
}

/** Text as it is; where Postgres could not hold it, quoted; bytes in base 64. */
const wrapped = (encoded: string | Uint8Array): string => {
  if (typeof encoded !== "string") return `b${Buffer.from(encoded).toString("base64")}`;
  return encoded.includes("\u0000") || !encoded.isWellFormed()
    ? `q${JSON.stringify(encoded)}`
    : `t${encoded}`;
};

const unwrapped = (text: string): string | Uint8Array => {
  const rest = text.slice(1);
  if (text.startsWith("b")) return Buffer.from(rest, "base64");
  return text.startsWith("q") ? (JSON.parse(rest) as string) : rest;
};
