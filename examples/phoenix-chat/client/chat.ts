// The page's state: who I am, the connection, the rooms, and which of them is open.
import { rooms } from "../shared/chat.ts";
import type { RoomId } from "../shared/chat.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { Room } from "./room.ts";
import { loadMe, saveMe, UnsentLines } from "./storage.ts";

export class Chat {
  readonly rooms: ReadonlyMap<RoomId, Room>;
  readonly connection: Connection;
  readonly #unsent = new UnsentLines();
  readonly #changed: () => void;
  #key: string;
  name: string;
  /** What the server calls this browser; empty until it has said so. */
  author = "";

  constructor(changed: () => void) {
    const { key, name } = loadMe();
    this.#key = key;
    this.name = name;
    this.#changed = changed;
    // Another tab of this browser is the same person, by the same name.
    addEventListener("storage", ({ key: changed }) => changed === "chat:me" && this.#named(loadMe().name));
    this.connection = connect({ authToken: key, params: () => ({ name: this.name }), changed });
    const unsent = this.#unsent.takeOver();
    this.rooms = new Map(
      rooms.map(({ id }) => [
        id,
        new Room({
          id,
          socket: this.connection.socket,
          unsent: unsent.filter(({ room }) => room === id),
          welcomed: (you) => void (this.author = you),
          changed: () => this.#roomChanged(),
        }),
      ]),
    );
  }

  /** Lines that are written and not said. */
  get unsent(): number {
    return [...this.rooms.values()].reduce((sum, { outbox }) => sum + outbox.lines.length, 0);
  }

  /** Whether they would outlive this page. */
  get kept(): boolean {
    return this.#unsent.kept;
  }

  rename(name: string): void {
    if (name !== this.name) saveMe({ key: this.#key, name });
    this.#named(name);
  }

  #named(name: string): void {
    if (name === this.name) return;
    this.name = name;
    // The server knows a name by the connection.
    this.connection.reconnect();
    this.#changed();
  }

  #roomChanged(): void {
    // While the rooms are made there is nothing new to keep.
    const all = (this.rooms as ReadonlyMap<RoomId, Room> | undefined) ?? new Map<RoomId, Room>();
    if (all.size > 0)
      this.#unsent.save(
        [...all.values()].flatMap(({ id, outbox }) => outbox.lines.map((line) => ({ ...line, room: id }))),
      );
    this.#changed();
  }
}
