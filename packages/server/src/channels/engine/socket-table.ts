// All connections of this node, by their own id and by the id that `connect` gave; and how they leave.
import { generateClientId } from "../../identity/signed-identity.ts";
import { SHARE_EVERY } from "../../connection/drain.ts";
import type { House } from "../../house/house.ts";
import type { ChannelsContext } from "./channels-context.ts";
import type { ChannelConnection, ChannelsHost } from "./host.ts";
import { CLOSE, PhoenixSocket } from "./phoenix-socket.ts";
import type { SocketKeeper } from "./phoenix-socket.ts";
import type { CloseReason } from "./words.ts";

export class SocketTable implements SocketKeeper {
  readonly #context: ChannelsContext;
  readonly #house: House;
  readonly #sockets = new Map<string, PhoenixSocket>();
  readonly #named = new Map<string, Set<PhoenixSocket>>();
  #leaving = false;
  #emptied: (() => void)[] = [];

  constructor(context: ChannelsContext, house: House) {
    this.#context = context;
    this.#house = house;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Nobody new is taken. */
  get leaving(): boolean {
    return this.#leaving;
  }

  get(socketId: string): PhoenixSocket | undefined {
    return this.#sockets.get(socketId);
  }

  connect({ connection, admitted, serialiser }: Parameters<ChannelsHost["connect"]>[0]): ChannelConnection {
    const { addressOf, limits, connections } = this.#house;
    const address = addressOf(admitted.request);
    const id = generateClientId(this.#context.random);
    const socket = new PhoenixSocket(this.#context, this, { id, connection, serialiser, admitted, address });
    this.#sockets.set(id, socket);
    const name = admitted.id;
    if (name !== undefined) {
      const named = this.#named.get(name);
      if (named === undefined) this.#named.set(name, new Set([socket]));
      else named.add(socket);
    }
    this.#context.observe?.({ type: "socket-connected", socketId: id, transport: socket.transport });
    if (address !== undefined && connections.add(address, 1) > limits.maxConnectionsPerAddress) {
      this.#context.refused({
        code: "busy",
        socketId: id,
        topic: undefined,
        details: { limit: "maxConnectionsPerAddress" },
      });
      socket.close(CLOSE.busy, "too-many-connections");
    } else if (this.#leaving) socket.close(CLOSE.draining, "draining");
    return socket;
  }

  gone(socket: PhoenixSocket): void {
    if (!this.#sockets.delete(socket.id)) return;
    const name = socket.name;
    const named = name === undefined ? undefined : this.#named.get(name);
    if (named?.delete(socket) === true && named.size === 0) this.#named.delete(name as string);
    if (socket.address !== undefined) this.#house.connections.add(socket.address, -1);
    this.#context.observe?.({ type: "socket-disconnected", socketId: socket.id });
    if (this.#sockets.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** Ends those that `connect` gave this id. */
  disconnect(id: string, code: number, why: CloseReason): void {
    // Not who comes back within the close of another.
    for (const socket of Array.from(this.#named.get(id) ?? [])) socket.close(code, why);
  }

  /** Asks again whether channels may stay: of those with this id, or of all. */
  reauthorise(id: string | undefined): void {
    const whose = id === undefined ? this.#sockets.values() : (this.#named.get(id) ?? []);
    for (const socket of Array.from(whose)) socket.reauthorise();
  }

  /** Sends all away, a share at a time, and resolves when they are gone. */
  async drain(over: number): Promise<void> {
    this.#leaving = true;
    const waiting = [...this.#sockets.values()];
    const share = Math.max(1, Math.ceil(waiting.length / Math.max(1, Math.floor(over / SHARE_EVERY))));
    for (let i = 0; i < waiting.length && this.#sockets.size > 0; i += share) {
      if (i > 0)
        await new Promise<void>((resolve) => void this.#context.clock.setTimeout(resolve, SHARE_EVERY));
      for (const socket of waiting.slice(i, i + share)) socket.close(CLOSE.draining, "draining");
    }
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }
}
