// One attempt over HTTP, without HTTP: a stream (or, where there may be none, polls) answers the Hello, and everything
// else leaves in POSTs, one at a time, in order. Pure but for the carrier and the clock, so the simulation runs this
// very code. Not here: requests (carrier.ts), how many streams a browser allows (slots.ts).
import type { Cancel, Clock, Format, StatusReason } from "@calla/shared";
import { steady } from "../../base/clock.ts";
import { CLOSE_RETRYABLE, FROM_SERVER } from "../transport.ts";
import type { Link, TransportHandlers } from "../transport.ts";

/** A whole answer to a POST. */
export interface PostAnswer {
  /** Of the response; 0: there was none, or not all of it, or not from a Calla server. */
  readonly status: number;
  /** The data of each event. */
  readonly events: readonly string[];
  /** Why a Calla server did not take it. Absent: somebody else on the way answered. */
  readonly code?: string | undefined;
  /** Of a 413 of ours: how large a body may be. */
  readonly maxBytes?: number | undefined;
}

/** Called by a carrier while a stream is open. */
export interface StreamHandlers {
  /** The data of an event. */
  data(text: string): void;
  /** A comment came: the stream lives. */
  alive(): void;
  /** It is over. The last call. */
  end(status: number, reason: string): void;
}

/** What carries requests. */
export interface HttpCarrier {
  /** A POST answered by an event stream; returns its abort. */
  stream(body: string | Uint8Array, handlers: StreamHandlers): () => void;
  /** A POST answered as a whole. Never rejects. `last`: it outlives the page. */
  post(body: string | Uint8Array, last?: boolean): { readonly answer: Promise<PostAnswer>; abort(): void };
}

/** A place for a stream, or none. */
export interface StreamSlots {
  /** A release, or undefined: there are as many streams as this browser can bear. */
  take(): Promise<(() => void) | undefined>;
}

/** What `httpLink` takes: who carries its requests, what it tells the client, and its times in milliseconds. */
export interface HttpLinkOptions {
  readonly carrier: HttpCarrier;
  readonly slots: StreamSlots;
  readonly clock: Clock;
  readonly handlers: TransportHandlers;
  readonly format: Format;
  readonly flushBatchSize: number;
  readonly pollInterval: number;
  readonly postTimeout: number;
  /** Milliseconds without an answer to the Hello after which a stream counts as held back by a proxy. */
  readonly silence: number;
  /** Kept over attempts: */
  readonly memory: HttpMemory;
  /** The server has let this client in. */
  readonly met?: () => void;
  /** What of this end no retry mends; status 0: there was no answer. */
  readonly causeOf?: (status: number, reason: string) => unknown;
}

/** What one attempt learns for the next. */
export interface HttpMemory {
  /** Until then, by the monotonic clock, polls are used: something on the way gathers a stream before it lets it through. */
  pollUntil: number;
  /** Messages that no server takes, by id, and why: their outcome may be told to a later attempt. */
  readonly unsendable: Map<string, string>;
  /** What was said last of topics' presence, by topic, and by which client. */
  readonly tracks: Map<unknown, Plain>;
  /** The client id of who said it; undefined: nobody yet, or a new client. */
  speaker?: string | undefined;
}

/** A frame as it is on the wire, payloads and all. */
type Plain = Readonly<Record<string, unknown>> & { readonly type: string };

/** For how long polls are used where a stream was silent. */
const POLL_FOR = 300_000;
/** A batch may have this size even if that is more than `flushBatchSize` messages. */
const BATCH_BYTES = 65_536;
/** A poll has room for so much of presence, so that it stays below what servers take of a Hello (64 KB). */
const TRACKS_BYTES = 16_384;
/** So many questions for members go with one poll. */
const MOST_QUESTIONS = 8;
/** A stream that is silent for so long although POSTs are answered is asked whether it lives, and has so long for it. */
const STREAM_SILENCE = 25_000;
const STREAM_ANSWER = 10_000;

/**
 * The client's half of HTTP over any carrier of requests: for tests that carry them by hand. Pages use `http`.
 *
 * @example
 * const link = httpLink({ carrier, slots, clock, handlers, format: json(), memory, flushBatchSize: 10, pollInterval: 3_000, postTimeout: 15_000, silence: 3_000 });
 */
export function httpLink(options: HttpLinkOptions): Link {
  const { carrier, slots, handlers, format, memory } = options;
  const clock = steady(options.clock);
  const { unsendable } = memory;
  let over = false;
  let polling = false;
  let starting = false;
  let release: (() => void) | undefined;
  let abort: (() => void) | undefined;
  /** The Hello of the stream, and with it each POST's. */
  let hello: Plain | undefined;
  /** The token given since, in place of the Hello's. */
  let renewed: { readonly token?: unknown } = {};
  let clientId: unknown;
  let secret: unknown;
  /** Messages, and whatever else is not the Hello, in order. */
  let queue: Plain[] = [];
  let posting = false;
  let most = Infinity;
  let maxBytes = Infinity;
  /** Something was said that only a poll can answer. */
  let again = false;
  /** What the core wants of topics' presence, by topic: polls carry it each time, a stream once (PC15). */
  const { tracks } = memory;
  /** What this stream's Hello has carried: the core says it once more. */
  const said = new Set<unknown>();
  /** Those that no poll has carried yet. */
  const unsaid = new Set<unknown>();
  /** Questions for members: the next poll carries them, and the core asks again where it gets no answer. */
  let questions: readonly Plain[] = [];
  let timer: Cancel | undefined;
  /** When the stream last said anything, and the end of patience with it. */
  let heard = 0;
  let deaf: Cancel | undefined;

  function end(code: number, reason: string, status?: number): void {
    if (over) return;
    leave();
    const cause = status === undefined ? undefined : options.causeOf?.(status, reason);
    handlers.close({ code, reason, ...(cause === undefined ? {} : { cause }) });
  }
  const stop = (reason: StatusReason): void => end(CLOSE_RETRYABLE, reason);
  function leave(): void {
    over = true;
    abort?.();
    release?.();
    timer?.();
    deaf?.();
  }

  async function begin(): Promise<void> {
    starting = true;
    timer?.();
    if (clock.monotonic() < memory.pollUntil) {
      release?.();
      release = undefined;
    } else release ??= await slots.take();
    starting = false;
    polling = release === undefined;
    if (over) release?.();
    else handlers.open();
  }
  function start(): void {
    if (!starting) void begin().catch(() => stop("slots"));
  }

  // ------------------------------------------------------------------------------------------------ the way to here

  /** The stream lives, or the poll gets on. */
  function lives(): void {
    heard = clock.monotonic();
    deaf?.();
    deaf = polling ? clock.setTimeout(() => stop("silent"), options.postTimeout) : undefined;
  }

  /**
   * What a POST is answered the core takes for life, and does not ask. But the stream may have a line of its own, and
   * records come by that alone (HT11).
   */
  function doubt(): void {
    if (polling || deaf !== undefined) return;
    const ask = (): void => {
      deaf = clock.setTimeout(() => stop("silent"), STREAM_ANSWER);
      queue.push({ type: "Ping", cursors: [] });
      pump();
    };
    deaf = clock.setTimeout(ask, heard + STREAM_SILENCE - clock.monotonic());
  }

  function greet(given: Plain): void {
    hello = { ...given, ...renewed };
    // What another client of this page has given is none of this one's.
    const speaker = (given["identity"] as { readonly clientId?: string } | undefined)?.clientId;
    if (speaker !== memory.speaker) tracks.clear();
    memory.speaker = speaker;
    let connected = false;
    abort?.();
    lives();
    if (!polling)
      timer = clock.setTimeout(() => {
        // Taken and not answered: what holds the stream back lets a poll through, for that ends.
        memory.pollUntil = clock.monotonic() + POLL_FOR;
        start();
      }, options.silence);
    abort = carrier.stream(format.encode(polling ? polled(hello) : streamed(hello)), {
      data(text) {
        lives();
        const data = dataOf(text);
        if (!connected) {
          const frame = tried(() => plain(data)[0]);
          // It was let in before: the token has run out since, and the next attempt asks for another (S25).
          if (frame?.["code"] === "unauthenticated" && clientId !== undefined) return stop("unauthenticated");
          if (frame?.type === "Connected") {
            connected = true;
            options.met?.();
            timer?.();
            // A poll that was given another client id: the conversation has to begin again to hear of it.
            if (clientId !== undefined && clientId !== frame["clientId"]) return stop("identity");
            // What a server gives a new client (onConnect) is decided behind this answer.
            again ||= polling && clientId === undefined && given["identity"] === undefined;
            clientId = frame["clientId"];
            // No new secret: keep using the presented one.
            secret = frame["secret"] ?? (given["identity"] as Plain | undefined)?.["secret"];
            pump();
          }
        }
        receive(data);
      },
      // Nobody asked for it, so it says only that there was something to hear.
      alive() {
        if (over) return;
        lives();
        handlers.receive(format.encode({ type: "Pong" }));
      },
      end(status, reason) {
        deaf?.();
        if (!polling || !connected)
          return end(status === 413 ? 1009 : 1006, reason || `HTTP ${status}`, status);
        if (over) return;
        abort = undefined;
        if (again) start();
        else timer = clock.setTimeout(start, options.pollInterval);
        again = false;
      },
    });
  }

  /**
   * A stream is told at once what its page wants: a POST may land on another node, where nobody knows the stream (HT5), and
   * what is said anew there ends it. So the next one begins with it.
   */
  function streamed(hello: Plain): Plain | readonly Plain[] {
    const targets = new Set((hello["targets"] as readonly Plain[]).map(({ target }) => target));
    let left = TRACKS_BYTES;
    const behind = [...tracks.values()].filter(
      (frame) => targets.has(frame["target"]) && (left -= format.encode(frame).length) >= 0,
    );
    for (const frame of behind) said.add(frame["target"]);
    return behind.length === 0 ? hello : [hello, ...behind];
  }

  /** Who polls is listed until three polls have failed to say so. */
  function polled(said: Plain): Plain | readonly Plain[] {
    const asking = { ...said, poll: true };
    const behind = [...carried(), ...questions];
    questions = [];
    return behind.length === 0 ? asking : [asking, ...behind];
  }
  function carried(): readonly Plain[] {
    const said: Plain[] = [];
    let left = TRACKS_BYTES;
    const order = [...tracks].toSorted(([a], [b]) => Number(unsaid.has(b)) - Number(unsaid.has(a)));
    for (const [target, frame] of order) {
      if ((left -= format.encode(frame).length) < 0 && said.length > 0) break;
      said.push({ ...frame, within: 3 * options.pollInterval });
      unsaid.delete(target);
      // Those that had no room are first in the next one.
      tracks.delete(target);
      if (wants(frame)) tracks.set(target, frame);
    }
    again ||= unsaid.size > 0;
    return said;
  }

  /** The same for a poll that has said it. */
  function track(frame: Plain): void {
    const target = frame["target"];
    // With every ref the core says it again, under another number.
    const wish = (said?: Plain): string => JSON.stringify({ ...said, number: 0 });
    const news = wish(tracks.get(target)) !== wish(frame);
    if (polling) {
      tracks.set(target, frame);
      if (!news) return;
      unsaid.add(target);
      return pollSoon();
    }
    // Also that it wants nothing any more.
    tracks.set(target, frame);
    if (!said.delete(target) || news) queue.push(frame);
  }

  /** The page goes, and cannot come back to what it has said: nobody is to wait for it (PC16). */
  function farewell(): void {
    const listed = [...tracks.values()].filter((frame) => frame["meta"] !== undefined);
    if (clientId === undefined || listed.length === 0) return;
    const gone = listed.map((frame) => ({ type: "Track", target: frame["target"], watch: false }));
    carrier.post(format.encode([speaking(), ...gone]), true);
  }

  function pollSoon(): void {
    if (!polling) return;
    if (abort !== undefined) again = true;
    else {
      start();
    }
  }

  /** What the core hears. A message that could not be sent as it is went as void; its author is told why. */
  function receive(data: string | Uint8Array): void {
    if (over) return;
    const said = unsendable.size > 0 && tried(() => format.encode(plain(data).map(explained)));
    handlers.receive(said || data);
  }
  function explained(frame: Plain): Plain {
    if (frame.type === "Rejected") {
      const why = frame["code"] === "cancelled" ? unsendable.get(frame["id"] as string) : undefined;
      unsendable.delete(frame["id"] as string);
      return why === undefined ? frame : { ...frame, code: why };
    }
    if (frame.type !== "Settled") return frame;
    const outcomes = (frame["outcomes"] as readonly (readonly unknown[])[]).map((outcome) => {
      const why = outcome[5] === "cancelled" ? unsendable.get(outcome[1] as string) : undefined;
      return why === undefined ? outcome : outcome.with(5, why);
    });
    return { ...frame, outcomes };
  }

  // -------------------------------------------------------------------------------------------------- the way there

  /** The next POST, if none is under way. */
  function pump(): void {
    if (over || posting || hello === undefined || clientId === undefined || queue.length === 0) return;
    const batch = nextBatch();
    posting = true;
    const post = carrier.post(format.encode([speaking(), ...batch]));
    const late = clock.setTimeout(() => {
      post.abort();
      stop("silent");
    }, options.postTimeout);
    void post.answer.then((answer) => {
      late();
      posting = false;
      if (!over) answered(batch, answer);
    });
  }

  /** Who says what is in a POST. */
  function speaking(): Plain {
    const { slices, protocol, token, flushOnly, attempt } = hello as Plain;
    return {
      type: "Hello",
      protocol,
      identity: { clientId, secret },
      ...(token === undefined ? {} : { token }),
      slices,
      targets: [],
      // A wish of an earlier attempt may come behind those of this one (SP21).
      ...(attempt === undefined ? {} : { attempt }),
      ...(flushOnly === true ? { flushOnly } : {}),
    };
  }

  function nextBatch(): readonly Plain[] {
    let count = 0;
    let bytes = 0;
    for (const frame of queue) {
      // At least as many bytes as it will take; of text a few more.
      const encoded = format.encode(frame);
      const size = typeof encoded === "string" ? utf8Length(encoded) : encoded.length;
      const fits = count < options.flushBatchSize || bytes + size <= BATCH_BYTES;
      if (count > 0 && (!fits || bytes + size > maxBytes || count >= most)) break;
      count++;
      bytes += size;
    }
    return queue.slice(0, count);
  }

  function answered(batch: readonly Plain[], { status, events, code, maxBytes: limit }: PostAnswer): void {
    if (status === 200) {
      most = Infinity;
      queue = queue.slice(batch.length);
      for (const text of events) receive(dataOf(text));
      if (!over) doubt();
      pump();
      // What it led to shows in the next poll.
      return pollSoon();
    }
    if (!isUntaken(status)) return end(1006, `HTTP ${status}`, status);
    if (limit !== undefined) maxBytes = limit;
    if (batch.length > 1) {
      // One of them is the bad one: it is found by halves, and the others are not held up.
      most = Math.ceil(batch.length / 2);
      return pump();
    }
    const [frame] = queue;
    if (frame?.type === "Track" && code !== undefined) {
      queue = queue.slice(1);
      most = Infinity;
      receive(format.encode({ type: "Untracked", target: frame["target"], code }));
      return pump();
    }
    // By the word of somebody else nothing is given up: the core finds out what ends its attempts (OB20).
    if (!frame || !(frame["messages"] as readonly unknown[] | undefined)?.length || code === undefined)
      return end(1006, `HTTP ${status}`);
    // Its mid goes out as void, so that there is no hole; the outcome says why (HT8).
    unsendable.set(frame["id"] as string, status === 413 ? "too-large" : "undecodable");
    queue = [{ ...frame, messages: [] }, ...queue.slice(1)];
    most = Infinity;
    pump();
  }

  const plain = (data: string | Uint8Array): readonly Plain[] => {
    const packet = format.decode(data, FROM_SERVER);
    return (Array.isArray(packet) ? packet : [packet]) as readonly Plain[];
  };

  const dataOf = (text: string): string | Uint8Array => (format.binary && tried(() => bytesOf(text))) || text;

  // Never before `connect` has returned.
  void Promise.resolve().then(start);
  return {
    send(data) {
      if (over) return;
      for (const frame of plain(data)) {
        if (frame.type === "Authenticate" && frame["token"] !== undefined && hello)
          hello = { ...hello, ...(renewed = { token: frame["token"] }) };
        if (frame.type === "Hello") greet(frame);
        else if (frame.type === "Track") track(frame);
        else if (polling && frame.type === "ListMembers") {
          // It is asked again under its ref: the latest counts.
          questions = [...questions.filter(({ ref }) => ref !== frame["ref"]), frame].slice(-MOST_QUESTIONS);
          pollSoon();
        }
        // What is subscribed stands in each poll's Hello.
        else if (polling && !("mid" in frame)) pollSoon();
        else queue.push(unsendable.has(frame["id"] as string) ? { ...frame, messages: [] } : frame);
      }
      pump();
    },
    close(gone) {
      if (over) return;
      leave();
      if (gone) farewell();
    },
  };
}

/** Whether it wants anything. */
const wants = (frame: Plain): boolean => frame["meta"] !== undefined || frame["watch"] === true;

/** What no sense can be made of goes to the core as it is: there it is said and ends the connection (CL48). */
function tried<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** Refused for what it is, by the server or by something on the way: sent again it would be refused again. */
const isUntaken = (status: number): boolean => status === 413 || status === 400 || status === 422;

function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;
