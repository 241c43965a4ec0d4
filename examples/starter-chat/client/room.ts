// One room over phoenix.js: its lines, who is there, and what is said and has no answer yet, which is said again.
import { Presence } from "phoenix";
import type { Channel, Socket } from "phoenix";
import type { Line } from "../server/history.ts";

export interface Person {
  readonly name: string;
  readonly typing: boolean;
}

export class Room {
  lines: readonly Line[] = [];
  /** By id. */
  readonly waiting = new Map<string, string>();
  /** Why the last line was not said; "": it was. */
  refusal = "";
  readonly #channel: Channel;
  readonly #presence: Presence;
  readonly #changed: () => void;
  #typing = false;

  constructor(socket: Socket, id: string, changed: () => void) {
    this.#changed = changed;
    this.#channel = socket.channel(`room:${id}`);
    this.#presence = new Presence(this.#channel);
    this.#presence.onSync(changed);
    this.#channel.on("line", (line: Line) => {
      const last = this.lines.at(-1)?.n ?? 0;
      if (line.n > last) this.lines = [...this.lines, line];
      changed();
    });
    this.#channel.onError(changed);
    // After each join, the first and every later one: what there is, and what was not answered is said again.
    this.#channel.join().receive("ok", ({ lines }: { lines: readonly Line[] }) => {
      this.lines = lines;
      for (const id of this.waiting.keys()) this.#push(id);
      changed();
    });
  }

  get here(): boolean {
    return this.#channel.state === "joined";
  }

  get people(): readonly Person[] {
    return this.#presence.list((name: string, { metas }: { metas: readonly { typing: boolean }[] }) => ({
      name,
      typing: metas.some(({ typing }) => typing),
    }));
  }

  say(text: string): void {
    const id = crypto.randomUUID();
    this.waiting.set(id, text);
    this.refusal = "";
    if (this.here) this.#push(id);
    this.#changed();
  }

  typing(typing: boolean): void {
    if (typing === this.#typing || !this.here) return;
    this.#typing = typing;
    this.#channel.push("typing", { typing });
  }

  #push(id: string): void {
    const settle = (refusal: string): void => {
      if (!this.waiting.delete(id)) return;
      this.refusal = refusal;
      this.#changed();
    };
    this.#channel
      .push("say", { id, text: this.waiting.get(id) })
      .receive("ok", () => settle(""))
      .receive("error", ({ reason }: { reason?: string }) => settle(reason ?? "The server does not take it."))
      .receive("timeout", () => this.here && this.waiting.has(id) && this.#push(id));
  }
}
