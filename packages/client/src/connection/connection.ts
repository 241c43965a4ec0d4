// The conversation with the server: attempts, handshake, heartbeat, reconnecting; bytes to frames and frames to bytes.
// One attempt at a time, and the late events of an older one touch nothing (CL2). Not here: what frames mean for
// targets and dispatches (engine/), what a network is (transports/).
import { CallaError, fraction, DEV } from "@calla/shared";
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
import { ended, touchAll } from "../engine/life.ts";
import type { ConnectionStatus, Core, Line } from "../engine/records.ts";
import { disconnected, refused, tooLarge } from "../engine/sending.ts";
import { backoff } from "../base/backoff.ts";
import { bytesOf } from "../base/size.ts";
import { createPackets } from "./packets.ts";
import type { Packet, Packets } from "./packets.ts";
import { CLOSE_RETRYABLE, CLOSE_TERMINAL } from "../transports/transport.ts";
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
  readonly token: (() => unknown) | undefined;
  readonly onConnect: ((as: ConnectedAs) => void) | undefined;
  readonly onReconnect: ((as: ConnectedAs) => void) | undefined;
  readonly onDisconnect: ((reason: CloseReason) => void) | undefined;
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

/** One attempt. The object's identity says whether an event is still about us. */
interface Attempt {
  readonly packets: Packets;
  link: Link | undefined;
  open: boolean;
  /** When it was let in. */
  since: number;
  lastHeard: number;
  /** Asked whether the server is there, and nothing was heard since. */
  asked: boolean;
  /** It shows that it was asked in vain. */
  unsure: boolean;
  /** What was sent in the most bytes, in UTF-8. */
  largest: { readonly bytes: number; readonly frames: Packet["frames"] };
}

const NOTHING: Attempt["largest"] = { bytes: 0, frames: [] };

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
  const format = serialiser.formats[0] as Format;
  const { baseMilliseconds, maxMilliseconds } = transport.reconnect;
  const delays = backoff(transport.reconnect, random);
  let attempt: Attempt | undefined;
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
  /** The one timer: next attempt, end of patience with this one, or heartbeat. */
  let timer: Cancel | undefined;
  /** And one beside it, which ends nothing: when to ask what is not answered, and when to show it. */
  let doubting: Cancel | undefined;
  let patience = PATIENCE;
  /** What no retry mends, and was told last (CL24). */
  let blamed = "";

  const after = (milliseconds: number, run: () => void): void => {
    timer?.();
    timer = clock.setTimeout(run, milliseconds);
  };

  function tell(now: ConnectionStatus, why: StatusReason | "", heard = ""): void {
    core.connection = now;
    core.reason = why;
    core.text = heard;
    ended(core, !stopping && (now === "closed" || now === "outdated") ? why || "lost" : "");
    core.due();
  }

  const asToken = (): Promise<unknown> => Promise.resolve().then(options.token);

  function begin(): void {
    const mine: Attempt = {
      packets: createPackets(serialiser, format),
      link: undefined,
      open: false,
      since: 0,
      lastHeard: 0,
      asked: false,
      unsure: false,
      largest: NOTHING,
    };
    const current = (): boolean => attempt === mine;
    attempt = mine;
    tell("connecting", "");
    after(options.connectTimeout, () => fail("timeout"));
    const broken = (cause: unknown): void => {
      if (!current()) return;
      mistaken(
        new CallaError("transport", { cause }, DEV && "An attempt to connect failed; it is tried again."),
      );
      fail("connect-failed");
    };
    // The token is asked for first, so that no open socket waits for it; a rejecting one costs this attempt (S25).
    asToken()
      .then((token) => {
        if (!current()) return;
        const handlers = {
          open() {
            try {
              if (current()) greet(mine, hello(core, token));
            } catch (cause) {
              broken(cause);
            }
          },
          receive: (data: string | Uint8Array) => current() && receive(mine, data),
          close({ code, reason, cause }: CloseReason) {
            if (!current()) return;
            if (code === CLOSE_TERMINAL) return dismissed(reason as StatusReason);
            if (cause && blamed !== reason) mistaken(cause, true);
            if (cause) blamed = reason;
            const own = code === CLOSE_RETRYABLE || isOwnWord(code, reason);
            // Anybody's words are a text; Calla's are a code.
            fail(
              own ? (reason as StatusReason) : "",
              code,
              undefined,
              !isOwnWord(code, reason),
              own ? "" : reason,
            );
          },
        };
        mine.link = transport.connect(handlers, format);
      })
      .catch(broken);
  }

  /** The targets that a long one names last are subscribed right behind `Connected` (CL20). */
  function greet(mine: Attempt, frame: ClientFrames["Hello"]): void {
    const said = mine.packets.fitting(frame, maxHello);
    transmit(mine, [said]);
    if (said !== frame) unsaid(core, frame.targets.slice(said.targets.length));
  }

  function transmit(mine: Attempt, frames: readonly ClientFrame[]): void {
    for (const packet of mine.packets.encode(frames, maxPacket)) {
      // No character is more than three bytes, so what is small beside the largest is not even measured.
      if (3 * packet.data.length > mine.largest.bytes) {
        const bytes = bytesOf(packet.data);
        if (bytes > mine.largest.bytes) mine.largest = { bytes, frames: packet.frames };
      }
      mine.link?.send(packet.data);
    }
  }

  /** Sent again as it was, the largest would end every connection: whatever else was sent is no larger (OB13). */
  function lessen({ largest: { bytes, frames } }: Attempt, own: boolean): void {
    const [first] = frames;
    if (first?.type === "Hello" && first.targets.length > 0) maxHello = Math.min(maxHello, bytes) >> 1;
    else if (first?.type === "Hello") {
      if (maxHello > 0) mistaken(helloTooLarge(bytes));
      maxHello = 0;
    } else if (frames.length > 1) maxPacket = Math.min(maxPacket, bytes) >> 1;
    // By the word of somebody else on the way nothing is given up (OB20).
    else if (first && own) tooLarge(core, first);
  }

  function receive(mine: Attempt, data: string | Uint8Array): void {
    mine.lastHeard = clock.monotonic();
    if (mine.asked) {
      mine.asked = false;
      if (mine.unsure) tell("open", "");
      mine.unsure = false;
      // It is there, and has not answered: asked ever more rarely, and at once about what is sent from here on.
      patience = Math.min(2 * patience, heartbeat);
      expect(patience);
    }
    try {
      for (const frame of mine.packets.decode(data)) if (attempt === mine) hear(mine, frame);
    } catch (error) {
      mistaken(error);
      fail("unreadable");
    }
  }

  function hear(mine: Attempt, frame: ServerFrame): void {
    switch (frame.type) {
      case "Connected":
        if (mine.open) return take(core, frame);
        mine.open = core.open = true;
        mine.since = clock.monotonic();
        // It was taken: whatever is too large from here on is something else.
        mine.largest = NOTHING;
        spread = frame.spread ?? 0;
        after(heartbeat, watch);
        welcome(frame);
        tell("open", "");
        return;
      case "Closing":
        // Who was not even let in, or ends so each time, comes back as from any failure, unless told when.
        if (frame.retryable) {
          if (frame.code === "too-large" && !mine.open) lessen(mine, true);
          fail(frame.code, 1000, frame.within > 0 || mine.open ? frame.within : undefined);
        } else if (mine.open && ABOUT_FRAMES.has(frame.code) && refused(core, frame.code as AboutFrames))
          fail(frame.code, 1000);
        else dismissed(frame.code);
        return;
      case "Version":
        if (frame.terminal) {
          end("outdated", "version");
          contain(report, core.onVersionMismatch, { protocol: frame.protocol, slices: frame.slices });
        } else fail("version");
        return;
      case "Expiring":
        // Rejected: the server asks again while there is time (S25).
        asToken()
          .then((token) => attempt === mine && transmit(mine, [{ type: "Authenticate", token }]))
          .catch(mistaken);
        return;
      default:
        if (frame.type === "Pong") spread = frame.spread ?? spread;
        if (mine.open) take(core, frame);
    }
  }

  function welcome(frame: ServerFrames["Connected"]): void {
    connected(core, frame);
    const { clientId, userId } = frame;
    contain(report, connectedBefore ? options.onReconnect : options.onConnect, { clientId, userId });
    connectedBefore = true;
  }

  /** Only an unanswered `Ping` declares death; that sends succeed proves nothing (CL6). */
  function watch(): void {
    if (!attempt) return;
    const silence = clock.monotonic() - attempt.lastHeard;
    if (silence < heartbeat) after(heartbeat - silence, watch);
    else ask(attempt);
  }

  /** Looks in so many milliseconds whether what was sent has had an answer (CL21). */
  function expect(milliseconds: number): void {
    doubting?.();
    doubting = clock.setTimeout(() => {
      const mine = attempt;
      if (!mine?.open || mine.asked || !awaiting(core)) return void (doubting = undefined);
      const silence = clock.monotonic() - mine.lastHeard;
      if (silence < patience) return expect(patience - silence);
      // Of what is subscribed nothing is asked: that is for a long silence (CL6).
      transmit(mine, [{ type: "Ping", cursors: [] }]);
      suspect(mine);
    }, milliseconds);
  }

  /** The question is on its way. That nobody answers shows, and ends nothing: only `heartbeatTimeout` does. */
  function suspect(mine: Attempt): void {
    mine.asked = true;
    doubting?.();
    doubting = clock.setTimeout(() => {
      doubting = undefined;
      if (attempt !== mine || !mine.asked) return;
      mine.unsure = true;
      tell("unsure", "silent");
    }, PATIENCE);
  }

  function ask(mine: Attempt): void {
    mine.lastHeard = -Infinity;
    transmit(mine, [ping(core)]);
    if (!mine.asked) suspect(mine);
    after(heartbeatTimeout, () => {
      if (mine.lastHeard < 0) fail("silent", 1006, undefined, true);
      else watch();
    });
  }

  /** This attempt is over. Its link is dropped before anything else can happen. */
  function leave(code: number, reason: string, cut = false): void {
    const { link, open, since = 0 } = attempt ?? {};
    // Judged by how long it lasted: to be let in proves nothing (CL2), nor to last until the same bad frame (CL59).
    const enough = Math.max(baseMilliseconds, Math.min(waited, LASTING));
    if (open && reason !== "unreadable" && clock.monotonic() - since >= enough) delays.reset();
    attempt = undefined;
    core.open = false;
    timer?.();
    doubting?.();
    doubting = undefined;
    link?.close();
    if (!open) return;
    disconnected(core, cut);
    touchAll(core);
    contain(report, options.onDisconnect, { code, reason });
  }

  /** `within`: the server has said when to come back; 0, at once, which it is believed once (CL12). */
  function fail(reason: StatusReason | "", code = 1006, within = -1, cut = false, text = ""): void {
    if (code === TOO_LARGE && attempt) lessen(attempt, isOwnWord(code, reason));
    const why = reason || (attempt?.open ? "lost" : "unreachable");
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
      if (attempt?.open) connection.doubt();
      else if (wanted && !attempt) begin();
    },
    doubt() {
      if (attempt?.open && attempt.lastHeard >= 0) ask(attempt);
    },
    renew: (why) => fail(why, 1000),
    send(frames) {
      if (!attempt?.open || frames.length === 0) return;
      transmit(attempt, frames);
      if (attempt?.asked || (doubting && patience === PATIENCE)) return;
      patience = PATIENCE;
      expect(PATIENCE);
    },
  };
  core.line = connection;
  return connection;
}
