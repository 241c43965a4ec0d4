// Who is at the board: phoenix.js's Presence keeps that by what the server tells, and this page tells where it is itself.
import { Presence } from "phoenix";
import type { Board, Here } from "./board.ts";
import type { SyncedTopic } from "./synced-topic.ts";
import { me } from "./visitor.ts";

/** One user, in however many pages; the meta is of the one that came last. */
export interface Somebody extends Here {
  readonly key: string;
}

export class People {
  /** Everybody but oneself. */
  others: readonly Somebody[] = [];
  readonly #topic: SyncedTopic<Board>;
  #at: Pick<Here, "card" | "editing"> = { card: null, editing: false };
  #told = "";

  constructor(topic: SyncedTopic<Board>, changed: () => void) {
    this.#topic = topic;
    const presence = new Presence(topic.channel);
    presence.onSync(() => {
      const all = presence.list((key: string, { metas }: { readonly metas: readonly Here[] }) => ({
        key,
        ...(metas.at(-1) as Here),
      }));
      this.others = all.filter(({ key }) => key !== topic.userId);
      changed();
    });
  }

  /** The card that has the focus here, and whether its text is being edited. */
  at(card: string | null, editing: boolean): void {
    this.#at = { card, editing };
    this.tell();
  }

  /** Tells the others, where they do not know it; each join forgets what was told before. */
  tell(): void {
    const { status, channel } = this.#topic;
    const meta = { ...me(), ...this.#at };
    const now = status === "joined" ? JSON.stringify(meta) : "";
    if (now === this.#told) return;
    this.#told = now;
    if (now !== "") channel.push("track", { meta });
  }
}
