// Upgrade requests of Node's http and https servers: a policy decides who comes in, before the handshake is answered; then
// `ws` does the handshake, and the policy wires the connection. All live connections are held here.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "@calla/shared";
import { WebSocketServer } from "ws";
import type { Server } from "ws";
import { systemClock } from "../../base/clock.ts";
import { Heartbeat } from "../heartbeat.ts";
import { answer } from "../node-request.ts";
import { holdBack } from "../write-batching.ts";
import { LinkedSocket, SocketConnection } from "./connection.ts";
import type { ConnectionEvents } from "./connection.ts";
import { PendingUpgrade } from "./pending-upgrade.ts";
import type { GaveUp, UpgradeState } from "./pending-upgrade.ts";
import { listenForUpgrades } from "./upgrade-listener.ts";
import type { UpgradeSource, UpgradeTaker } from "./upgrade-listener.ts";

/** Hands are shaken. */
export interface Entry {
  readonly kind: "enter";
  /** The subprotocol that is answered. */
  readonly protocol: string | undefined;
  /** Wires in the connection. If it throws, that connection is closed (1011). */
  connect(connection: SocketConnection): ConnectionEvents;
  /** Hears what `connect` threw. */
  failed(error: unknown): void;
}
/** An HTTP answer in place of a WebSocket. */
export interface HttpVerdict {
  readonly kind: "answer";
  readonly status: number;
  readonly text: string;
  /** Its content type. Default: plain text. */
  readonly type?: string | undefined;
}
/** Hands are shaken only to say why not: a page cannot read an HTTP answer. Too many at once get `otherwise`. */
export interface Farewell {
  readonly kind: "tell";
  readonly protocol: string;
  readonly code: number;
  readonly reason: string;
  readonly otherwise: HttpVerdict;
}
export type Verdict = Entry | HttpVerdict | Farewell;

/** Who comes in, and how. */
export interface UpgradePolicy {
  /** Where it is, for the answer to a request that went elsewhere. */
  readonly place: string;
  /** Undefined: the path is another's. A promise keeps the handshake waiting. Must not throw. */
  verdict(message: IncomingMessage, state: UpgradeState): Verdict | Promise<Verdict> | undefined;
  /** A request of the http server's went to a path that is nobody's. */
  missed?(message: IncomingMessage): void;
  /** The answer to a request that waited for its verdict in vain; `error` is what the verdict rejected with. */
  gaveUp?(message: IncomingMessage, why: GaveUp | "failed", error?: unknown): HttpVerdict;
}

export interface UpgradeSettings {
  readonly httpServer?: UpgradeSource | undefined;
  readonly clock?: Clock | undefined;
  readonly maxFrameBytes: number;
  /** Milliseconds between pings to one connection. */
  readonly pingInterval: number;
  /** Milliseconds a peer has to answer a close. Default 5,000. */
  readonly closeTimeout?: number | undefined;
  /** Milliseconds that a handshake waits for a verdict. Default 20,000. */
  readonly verdictTimeout?: number | undefined;
  /** So many handshakes may wait for their verdicts. Default 1,000. */
  readonly maxPending?: number | undefined;
  /** The sockets' class. */
  readonly socket?: typeof LinkedSocket | undefined;
}

/** So many who are refused are told by a WebSocket at once; others hear it over HTTP. */
const MOST_TOLD = 1_000;
/** Who says more before it has heard that it is refused, is cut off. */
const REFUSED_BYTES = 65_536;

/** What a request waits with. */
interface Upgrade {
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  readonly state: PendingUpgrade;
}

export class UpgradeServer implements UpgradeTaker {
  readonly #policy: UpgradePolicy;
  readonly #clock: Clock;
  readonly #heartbeat: Heartbeat<SocketConnection>;
  readonly #upgrader: Server<typeof LinkedSocket>;
  readonly #verdictTimeout: number;
  readonly #maxPending: number;
  readonly #pending = new Set<PendingUpgrade>();
  #unlisten: (() => void)[] = [];
  readonly #gone = (connection: SocketConnection): void => this.#forget(connection);
  #closed = false;
  /** Those who hear that they are refused. */
  #told = 0;
  /** What the handshake under way answers: `ws` asks for it within the call. */
  #protocol: string | undefined;
  /** Those who wait for the last connection to go. */
  #closing: (() => void)[] = [];

  constructor(policy: UpgradePolicy, settings: UpgradeSettings) {
    this.#policy = policy;
    this.#clock = settings.clock ?? systemClock;
    this.#verdictTimeout = settings.verdictTimeout ?? 20_000;
    this.#maxPending = settings.maxPending ?? 1_000;
    this.#heartbeat = new Heartbeat(this.#clock, settings.pingInterval);
    // `ws` knows `closeTimeout`, its types do not: a literal in place would be refused.
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Its way to answer pings costs a closure for each connection; ours does not.
      autoPong: false,
      maxPayload: settings.maxFrameBytes,
      closeTimeout: settings.closeTimeout ?? 5_000,
      WebSocket: settings.socket ?? LinkedSocket,
      handleProtocols: () => this.#protocol ?? false,
    };
    this.#upgrader = new WebSocketServer(options);
    if (settings.httpServer !== undefined) this.listen(settings.httpServer);
  }

  get connections(): number {
    return this.#heartbeat.size;
  }

  /** Handshakes that wait for their verdicts. */
  get pending(): number {
    return this.#pending.size;
  }

  get place(): string {
    return this.#policy.place;
  }

  missed(message: IncomingMessage): void {
    this.#policy.missed?.(message);
  }

  /** Takes this http server's upgrade requests, too, until it closes. */
  listen(httpServer: UpgradeSource): void {
    if (!this.#closed) this.#unlisten.push(listenForUpgrades(httpServer, this));
  }

  handleUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const full = this.#pending.size >= this.#maxPending;
    const state = new PendingUpgrade(socket, head, { closing: this.#closed, full });
    const verdict = this.#policy.verdict(message, state);
    if (verdict === undefined) return false;
    const upgrade = { message, socket, state };
    if (verdict instanceof Promise) this.#wait(upgrade, verdict);
    else this.#act(upgrade, head, verdict);
    return true;
  }

  /** Takes no more requests and closes what is open (1001); resolves when all are gone. */
  close(): Promise<void> {
    this.#closed = true;
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    this.#heartbeat.stop();
    for (const state of this.#pending) state.giveUp("closing");
    for (const connection of this.#heartbeat.connections()) connection.close(1001, "closing");
    if (this.connections === 0) return Promise.resolve();
    return new Promise((resolve) => this.#closing.push(resolve));
  }

  #wait(upgrade: Upgrade, promise: Promise<Verdict>): void {
    const { message, socket, state } = upgrade;
    this.#pending.add(state);
    const inVain = (why: GaveUp | "failed", error?: unknown): void => {
      this.#pending.delete(state);
      const { status, text } = this.#policy.gaveUp?.(message, why, error) ?? IN_VAIN;
      if (why === "gone") {
        socket.destroy();
        return;
      }
      answer(socket, status, text);
      socket.resume();
    };
    state.wait(this.#clock, this.#verdictTimeout, inVain);
    promise.then(
      (verdict) => {
        const said = state.take();
        if (said === undefined) return;
        this.#pending.delete(state);
        this.#act(upgrade, said, verdict);
        // It was read while it waited, and stopped for the handshake.
        socket.resume();
      },
      (error: unknown) => {
        if (state.take() !== undefined) inVain("failed", error);
      },
    );
  }

  #act(upgrade: Upgrade, said: Buffer, verdict: Verdict): void {
    const { socket, state } = upgrade;
    if (verdict.kind === "enter") {
      holdBack(socket);
      const shaken = this.#shakeHands(upgrade, said, verdict.protocol, (webSocket) =>
        this.#connect(webSocket, socket, verdict),
      );
      if (!shaken) state.abort();
      return;
    }
    state.abort();
    const { status, text, type } = verdict.kind === "tell" ? verdict.otherwise : verdict;
    if (verdict.kind === "answer" || this.#told >= MOST_TOLD) answer(socket, status, text, type);
    else
      this.#shakeHands(upgrade, said, verdict.protocol, (webSocket) =>
        this.#tell(webSocket, socket, verdict),
      );
  }

  /** Whether it could be: a request that is no handshake has got its answer. */
  #shakeHands(
    { message, socket }: Upgrade,
    said: Buffer,
    protocol: string | undefined,
    shaken: (webSocket: LinkedSocket) => void,
  ): boolean {
    let done = false;
    this.#protocol = protocol;
    this.#upgrader.handleUpgrade(message, socket, said, (webSocket) => {
      done = true;
      shaken(webSocket);
    });
    return done;
  }

  #tell(webSocket: LinkedSocket, socket: Duplex, { code, reason }: Farewell): void {
    this.#told++;
    let read = 0;
    webSocket.on("error", () => {}); // whatever it goes on to send
    webSocket.once("close", () => this.#told--);
    socket.on("data", (chunk: Buffer) => {
      read += chunk.length;
      if (read > REFUSED_BYTES) webSocket.terminate();
    });
    webSocket.close(code, reason);
  }

  #connect(webSocket: LinkedSocket, socket: Duplex, entry: Entry): void {
    const connection = new SocketConnection(webSocket, socket, this.#gone);
    this.#heartbeat.add(connection);
    try {
      connection.start(entry.connect(connection));
    } catch (error) {
      entry.failed(error);
      connection.close(1011, "failed");
    }
  }

  #forget(connection: SocketConnection): void {
    this.#heartbeat.delete(connection);
    if (this.connections === 0) for (const resolve of this.#closing.splice(0)) resolve();
  }
}

const IN_VAIN: HttpVerdict = { kind: "answer", status: 503, text: "" };
