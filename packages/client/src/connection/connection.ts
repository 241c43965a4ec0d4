// The conversation with the server: attempts, handshake, heartbeat, reconnecting; bytes to frames and frames to bytes.
// One attempt at a time, and the late events of an older one touch nothing (CL2). Not here: what frames mean for
// targets and dispatches (engine/), what a network is (transports/).
import {
  CallaError,
  DEV,
  fraction,
  mapPayloads,
  payloadReader,
  payloadWriter,
  serverFrame,
} from "@calla/shared";
import type {
  CallaRejectionCode,
  Cancel,
  ClientFrame,
  ClientFrames,
  ClosingCode,
  Format,
  ServerFrame,
  ServerFrames,
  StatusReason,
} from "@calla/shared";
import { dismissal } from "#dev/mistakes";
import { contain } from "../base/notifier.ts";
import { awaiting, connected, hello, ping, unsaid } from "../engine/greeting.ts";
import { receive as take } from "../engine/incoming.ts";
import { disconnected, refused, tooLarge } from "../engine/holding.ts";
import { ended, touchAll } from "../engine/life.ts";
import type { ConnectionStatus, Core, Line } from "../engine/records.ts";
import { due } from "../engine/targets.ts";
import { backoff } from "../base/backoff.ts";
import { bytesOf } from "../base/size.ts";
import { fitting, halves, joined } from "./packets.ts";
import { CLOSE_RETRYABLE, CLOSE_TERMINAL, FROM_SERVER } from "../transports/transport.ts";
import type { CloseReason, Link, Transport } from "../transports/transport.ts";

/** Whom the server has named. */
export interface ConnectedAs {
  readonly clientId: string;
  readonly userId: string | null;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  /** Silence after which the client asks whether the server is there. */
  readonly heartbeat: number;
  /** Silence after that question which means it is not. */
  readonly heartbeatTimeout: number;
  /** From the start of an attempt to `Connected`. */
  readonly connectTimeout: number;
  readonly token?: (() => unknown) | undefined;
  readonly onConnect?: ((as: ConnectedAs) => void) | undefined;
  readonly onReconnect?: ((as: ConnectedAs) => void) | undefined;
  readonly onDisconnect?: ((reason: CloseReason) => void) | undefined;
  /** An error; `mistake`: what no retry mends. */
  readonly mistaken: (error: unknown, mistake?: boolean) => void;
}

export interface Connection extends Line {
  /** Connects, and keeps connecting. */
  start(): void;
  /** Says goodbye and stays away. */
  stop(status: "offline" | "closed"): void;
  /** Whatever we waited for may have changed (online, visible): try now; or, if open, ask whether the server is there. */
  wake(): void;
  /** There may be no network any more: if open, ask whether the server is there. */
  doubt(): void;
}

/** The close code of a WebSocket, the server's or a proxy's, that got more in one piece than it takes. */
const TOO_LARGE = 1009;
/** A Calla server's, and not that of somebody else on the way. */
const isOwnWord = (code: number, reason: string): boolean => code === TOO_LARGE && reason === "too-large";
/** What the server says of a frame that it will not take from any client. */
const ABOUT_FRAMES: ReadonlySet<string> = new Set<AboutFrames>([
  "too-large",
  "too-deep",
  "hostile-key",
  "undecodable",
]);
type AboutFrames = ClosingCode & CallaRejectionCode;
/** However long a server says: one that errs, or means harm, keeps nobody away for good. */
const LONGEST_AWAY = 600_000;
const LONGEST_SPREAD = 30_000;
/** A connection that lasted so long was one, however long it was waited for: some lines have none that are longer. */
const LASTING = 10_000;
/** Milliseconds for an answer, before the server is asked whether it is there; and for that, before it shows (CL21). */
const PATIENCE = 1_500;
/** A packet above this is sent in pieces: a big outbox shall not meet such a limit, nor hold up what comes after it. */
const MAX_PACKET = 65_536;
/** Bytes that a server takes of a client before it lets it in (64 KB, unless told), and what HTTP adds to them. */
const MAX_HELLO = MAX_PACKET - 4_096;
/** Milliseconds for which packets are taken before the loop turns: a frame of what a page shows. */
const STRETCH = 16;
/** After so many milliseconds without anything to take the loop has turned by itself. */
const GAP = 2;

/** A packet that was sent, with the frames in it. */
interface Sent {
  readonly bytes: number;
  readonly frames: readonly ClientFrame[];
}
/** No limit is below this, so that smaller packets need not be measured. */
const SMALL = 512;
const NOTHING: Sent = { bytes: SMALL, frames: [] };

const helloTooLarge = (bytes: number): CallaError =>
  new CallaError(
    "too-large",
    { bytes },
    DEV &&
      `The server takes no Hello of ${bytes} bytes, though it names no topics. Give a shorter token, or the server a higher maxHelloBytes.`,
  );

export function createConnection(core: Core, options: ConnectionOptions): Connection {
  const { serialiser, clock, random, report } = core;
  const { transport, heartbeat, heartbeatTimeout, mistaken } = options;
  const { baseMilliseconds, maxMilliseconds } = transport.reconnect;
  const format = serialiser.formats[0] as Format;
  const codec = serialiser.payload(format);
  const writing = payloadWriter(codec);
  const reading = payloadReader(codec);
  const delays = backoff(transport.reconnect, random);
  let wanted = false;
  let connectedBefore = false;
  let stopping = false;
  /** How long the last attempt was waited for: a connection that did not last so long is no success (CL2). */
  let waited = 0;
  /** Over how many milliseconds an unexplained loss is to be spread: the server knows how many there are (CL22). */
  let spread = 0;
  /** Less once that much was too much for something on the way (OB13). */
  let maxPacket = MAX_PACKET;
  /** Less once a Hello was too large (CL20). */
  let maxHello = MAX_HELLO;
  /** What no retry mends, and was told last (CL24). */
  let blamed = "";
  /** The one timer: next attempt, end of patience with this one, or heartbeat. */
  let timer: Cancel | undefined;
  /** And one beside it, which ends nothing: when to ask what is not answered, and when to show it. */
  let doubting: Cancel | undefined;
  let patience = PATIENCE;

  // Of one attempt: `leave` ends them all.
  /** Its identity says whether an event is still about us; undefined: there is none. */
  let attempt: object | undefined;
  let link: Link | undefined;
  /** When it was let in. */
  let since = 0;
  let lastHeard = 0;
  /** Asked whether the server is there, and nothing was heard since. */
  let asked = false;
  /** What was sent in the most bytes, in UTF-8. */
  let largest = NOTHING;
  /** What has come and is not taken yet: packets, and that the link has ended. */
  let waiting: (() => void)[] = [];
  /** The loop turns before more of it is taken. */
  let resting: Cancel | undefined;
  /** When this stretch began, and when something was taken last. */
  let stretchAt = 0;
  let tookAt = -Infinity;
  /** Of an unfinished snapshot. */
  let parts: ServerFrames["Snapshot"][] = [];

  const after = (milliseconds: number, run: () => void): void => {
    timer?.();
    timer = clock.setTimeout(run, milliseconds);
  };

  function tell(now: ConnectionStatus, why: StatusReason | "", heard = ""): void {
    core.connection = now;
    core.reason = why;
    core.text = heard;
    ended(core, !stopping && (now === "closed" || now === "outdated") ? why || "lost" : "");
    due(core);
  }

  // ------------------------------------------------------------------------------------------------- how one begins

  const asToken = (): Promise<unknown> => Promise.resolve().then(options.token);

  function begin(): void {
    const mine = (attempt = {});
    tell("connecting", "");
    after(options.connectTimeout, () => fail("timeout"));
    const broken = (cause: unknown): void => {
      if (attempt !== mine) return;
      mistaken(
        new CallaError("transport", { cause }, DEV && "An attempt to connect failed; it is tried again."),
      );
      fail("connect-failed");
    };
    // The token is asked for first, so that no open socket waits for it; a rejecting one costs this attempt (S25).
    asToken()
      .then((token) => {
        if (attempt !== mine) return;
        const handlers = {
          open() {
            try {
              if (attempt === mine) greet(hello(core, token));
            } catch (cause) {
              broken(cause);
            }
          },
          receive: (data: string | Uint8Array) => attempt === mine && arrived(data),
          close: (reason: CloseReason) => attempt === mine && inTurn(() => closed(reason)),
        };
        link = transport.connect(handlers, format);
      })
      .catch(broken);
  }

  /** The targets that a long one names last are subscribed right behind `Connected` (CL20). */
  function greet(frame: ClientFrames["Hello"]): void {
    const said = fitting(format, frame, maxHello);
    transmit([said]);
    if (said !== frame) unsaid(core, frame.targets.slice(said.targets.length));
  }

  function welcome(frame: ServerFrames["Connected"]): void {
    core.open = true;
    since = clock.monotonic();
    // It was taken: whatever is too large from here on is something else.
    largest = NOTHING;
    spread = frame.spread ?? 0;
    after(heartbeat, watch);
    connected(core, frame);
    tell("open", "");
    const { clientId, userId } = frame;
    const { onConnect, onReconnect } = options;
    const first = !connectedBefore;
    connectedBefore = true;
    // The last of it: the app may end the connection here.
    contain(report, first ? onConnect : onReconnect, { clientId, userId });
  }

  // --------------------------------------------------------------------------------------------------- out and in

  /** What is above `maxPacket` (UTF-16 units of a text) goes in pieces, down to a frame or a cursor each. */
  function pack(plain: readonly ClientFrame[]): void {
    const data = format.encode(plain.length > 1 ? plain : plain[0]);
    const pieces = data.length > maxPacket && halves(plain);
    if (pieces) return pieces.forEach(pack);
    // No character is more than three bytes, so what is small beside the largest is not even measured.
    if (3 * data.length > largest.bytes) {
      const bytes = bytesOf(data);
      if (bytes > largest.bytes) largest = { bytes, frames: plain };
    }
    link?.send(data);
  }

  const transmit = (frames: readonly ClientFrame[]): void =>
    pack(frames.map((one) => mapPayloads(one, writing)));

  /** What has come is taken in order, for a stretch at a time; then the loop turns before the rest is (CL60). */
  function inTurn(work: () => void): void {
    waiting.push(work);
    // Where timers are late (a page that is hidden), what comes says that the loop has turned.
    if (!resting || clock.monotonic() - tookAt > STRETCH) takeWaiting();
  }

  function takeWaiting(): void {
    if (resting) tookAt = -Infinity;
    resting?.();
    resting = undefined;
    for (let work = waiting.shift(); work; work = waiting.shift()) {
      const from = clock.monotonic();
      if (from - tookAt > GAP) stretchAt = from;
      work();
      tookAt = clock.monotonic();
      core.taking += tookAt - from;
      if (tookAt - stretchAt <= STRETCH) continue;
      core.crowded = true;
      resting = clock.setTimeout(takeWaiting, 0);
      return;
    }
    if (!core.crowded) return;
    core.crowded = false;
    due(core);
  }

  function arrived(data: string | Uint8Array): void {
    lastHeard = clock.monotonic();
    if (asked) {
      asked = false;
      if (core.connection === "unsure") tell("open", "");
      // It is there, and has not answered: asked ever more rarely, and at once about what is sent from here on.
      patience = Math.min(2 * patience, heartbeat);
      expect(patience);
    }
    inTurn(() => receive(data));
  }

  function receive(data: string | Uint8Array): void {
    const mine = attempt;
    try {
      // All are read before any is taken, so that a bad one takes none with it (CL48).
      const frames = [format.decode(data, FROM_SERVER)].flat().map(read);
      for (const frame of frames) if (frame && attempt === mine) hear(frame);
    } catch (error) {
      mistaken(error);
      fail("unreadable");
    }
  }

  /** The parts of a snapshot make one, with the last of them (CL5). */
  function read(value: unknown): ServerFrame | undefined {
    const frame = serverFrame(value);
    if (!frame) throw new CallaError("undecodable");
    if (frame.type !== "Snapshot" || frame.chunk === undefined) return mapPayloads(frame, reading);
    if (frame.part === 0) parts = [];
    if (frame.part !== parts.length) throw new CallaError("undecodable");
    parts.push(frame);
    if (parts.length < (frame.parts ?? 0)) return undefined;
    const whole = joined(parts.map(({ chunk = "" }) => chunk));
    parts = [];
    return { ...frame, chunk: undefined, model: codec.decodeModel(format.decode(whole, FROM_SERVER)) };
  }

  function hear(frame: ServerFrame): void {
    switch (frame.type) {
      case "Connected":
        return core.open ? take(core, frame) : welcome(frame);
      case "Closing":
        // Who was not even let in, or ends so each time, comes back as from any failure, unless told when.
        if (frame.retryable) {
          if (frame.code === "too-large" && !core.open) lessen(true);
          fail(frame.code, 1000, frame.within > 0 || core.open ? frame.within : undefined);
        } else if (core.open && ABOUT_FRAMES.has(frame.code) && refused(core, frame.code as AboutFrames))
          fail(frame.code, 1000);
        else dismissed(frame.code);
        return;
      case "Version":
        if (!frame.terminal) return fail("version");
        end("outdated", "version");
        return contain(report, core.onVersionMismatch, { protocol: frame.protocol, slices: frame.slices });
      case "Expiring": {
        const mine = attempt;
        // Rejected: the server asks again while there is time (S25).
        asToken()
          .then((token) => attempt === mine && transmit([{ type: "Authenticate", token }]))
          .catch(mistaken);
        return;
      }
      default:
        if (frame.type === "Pong") spread = frame.spread ?? spread;
        if (core.open) take(core, frame);
    }
  }

  // ------------------------------------------------------------------------------------------------------- silence

  /** Only an unanswered `Ping` declares death; that sends succeed proves nothing (CL6). */
  function watch(): void {
    const silence = clock.monotonic() - lastHeard;
    if (silence < heartbeat) after(heartbeat - silence, watch);
    else ask();
  }

  function ask(): void {
    lastHeard = -Infinity;
    transmit([ping(core)]);
    if (!asked) suspect();
    after(heartbeatTimeout, () => {
      if (lastHeard < 0) fail("silent", 1006, undefined, true);
      else watch();
    });
  }

  /** Looks in so many milliseconds whether what was sent has had an answer (CL21). */
  function expect(milliseconds: number): void {
    doubting?.();
    doubting = clock.setTimeout(() => {
      if (asked || !awaiting(core)) return void (doubting = undefined);
      const silence = clock.monotonic() - lastHeard;
      if (silence < patience) return expect(patience - silence);
      // Of what is subscribed nothing is asked: that is for a long silence (CL6).
      transmit([{ type: "Ping", cursors: [] }]);
      suspect();
    }, milliseconds);
  }

  /** The question is on its way. That nobody answers shows, and ends nothing: only `heartbeatTimeout` does. */
  function suspect(): void {
    asked = true;
    doubting?.();
    doubting = clock.setTimeout(() => {
      doubting = undefined;
      tell("unsure", "silent");
    }, PATIENCE);
  }

  // --------------------------------------------------------------------------------------------------- how one ends

  function closed({ code, reason, cause }: CloseReason): void {
    if (code === CLOSE_TERMINAL) return dismissed(reason as StatusReason);
    if (cause && blamed !== reason) mistaken(cause, true);
    if (cause) blamed = reason;
    const large = isOwnWord(code, reason);
    // Anybody's words are a text; Calla's are a code.
    if (large || code === CLOSE_RETRYABLE) fail(reason as StatusReason, code, undefined, !large);
    else fail("", code, undefined, true, reason);
  }

  /** Sent again as it was, the largest would end every connection: whatever else was sent is no larger (OB13). */
  function lessen(own: boolean): void {
    const { bytes, frames } = largest;
    const [first] = frames;
    if (first?.type === "Hello") {
      const least = first.targets.length === 0;
      if (least && maxHello > 0) mistaken(helloTooLarge(bytes));
      maxHello = least ? 0 : Math.min(maxHello, bytes) >> 1;
    } else if (frames.length > 1) maxPacket = Math.min(maxPacket, bytes) >> 1;
    // By the word of somebody else on the way nothing is given up (OB20).
    else if (first && own) tooLarge(core, first);
  }

  /** This attempt is over. Its link is dropped before anything else can happen. */
  function leave(code: number, reason: string, cut = false): void {
    const { open } = core;
    const left = link;
    // Judged by how long it lasted: to be let in proves nothing (CL2), nor to last until the same bad frame (CL59).
    const enough = Math.max(baseMilliseconds, Math.min(waited, LASTING));
    if (open && reason !== "unreadable" && clock.monotonic() - since >= enough) delays.reset();
    attempt = undefined;
    core.open = false;
    timer?.();
    doubting?.();
    doubting = undefined;
    asked = false;
    largest = NOTHING;
    parts = [];
    waiting = [];
    core.crowded = false;
    resting?.();
    resting = undefined;
    link = undefined;
    left?.close(!wanted);
    if (!open) return;
    disconnected(core, cut);
    touchAll(core);
    contain(report, options.onDisconnect, { code, reason });
  }

  /** `within`: the server has said when to come back; 0, at once, which it is believed once (CL12). */
  function fail(reason: StatusReason | "", code = 1006, within = -1, cut = false, text = ""): void {
    if (code === TOO_LARGE) lessen(isOwnWord(code, reason));
    const why = reason || (core.open ? "lost" : "unreachable");
    leave(code, text || why, cut);
    if (!wanted) return;
    const told = within > 0 || (within === 0 && delays.fresh);
    const own = delays.next(Math.min(spread, LONGEST_SPREAD));
    const delay = told ? Math.round(fraction(random) * Math.min(within, LONGEST_AWAY)) : own;
    waited = Math.min(delay, maxMilliseconds);
    after(delay, begin);
    tell("waiting", why, text);
  }

  /** The server will not have us back. */
  function dismissed(reason: StatusReason): void {
    mistaken(new CallaError("transport", { reason }, dismissal(reason)), true);
    end("closed", reason);
  }

  function end(status: ConnectionStatus, reason: StatusReason): void {
    wanted = false;
    leave(1000, reason);
    tell(status, reason);
  }

  const connection: Connection = {
    start() {
      if (wanted) return;
      wanted = true;
      begin();
    },
    stop(as) {
      stopping = as === "closed";
      end(as, as);
    },
    wake() {
      // Asked already: asking again would put off that nobody answers.
      if (core.open) connection.doubt();
      else if (wanted && !attempt) begin();
    },
    doubt() {
      if (core.open && lastHeard >= 0) ask();
    },
    renew: (why) => fail(why, 1000),
    send(frames) {
      if (!core.open || frames.length === 0) return;
      transmit(frames);
      if (asked || (doubting && patience === PATIENCE)) return;
      patience = PATIENCE;
      expect(PATIENCE);
    },
  };
  core.line = connection;
  return connection;
}
