// One live WebSocket between the upgrade server and the channels: what it says is handed on, and heard by the idle watch.
import type { Connection } from "../../base/connection.ts";
import { LinkedSocket } from "../../transports/websocket/connection.ts";
import type { ConnectionEvents } from "../../transports/websocket/connection.ts";
import type { ChannelConnection } from "../engine/host.ts";
import type { CloseReason } from "../engine/words.ts";
import type { IdleWatch, Watched } from "./idle-watch.ts";

/** A socket that answers a peer's close as Phoenix does: with 1000, whatever code the peer had (W25a). */
export class PhoenixLinkedSocket extends LinkedSocket {
  override close(code?: number, reason?: string | Buffer): void {
    // `ws` hands a peer's code and reason back as they came: no code, or a reason in bytes.
    if (code === undefined || Buffer.isBuffer(reason)) super.close(1000);
    else super.close(code, reason);
  }
}

/** The close code and reason of an idle connection. Not 1000: every phoenix.js returns from 1001. */
const IDLE = [1001, "heartbeat"] as const satisfies readonly [number, CloseReason];

export class PhoenixConnection implements ConnectionEvents, Watched {
  heardAt = 0;
  share = 0;
  readonly #connection: Pick<Connection, "close">;
  readonly #channels: ChannelConnection;
  readonly #watch: IdleWatch;

  constructor(connection: Pick<Connection, "close">, channels: ChannelConnection, watch: IdleWatch) {
    this.#connection = connection;
    this.#channels = channels;
    this.#watch = watch;
    watch.add(this);
  }

  incoming(data: string | Uint8Array): void {
    this.#channels.incoming(data);
  }

  /** A frame has come, of whatever kind. */
  heard(): void {
    this.heardAt = this.#watch.ticks;
  }

  received(bytes: number, unfinished: number): void {
    this.#channels.received(bytes, unfinished);
  }

  drained(): void {
    this.#channels.drained();
  }

  disconnect(code?: number, reason?: string): void {
    this.#watch.delete(this);
    this.#channels.disconnect(code, reason);
  }

  idle(): void {
    this.#channels.disconnect(...IDLE);
    this.#connection.close(...IDLE);
  }
}
