// What nodes tell each other beside broadcasts: whose connections end, whose rights have changed.
import { CallaError } from "@calla/shared";
import type { PubSub } from "../../cluster/pubsub.ts";

export type NodeMessage =
  | { readonly type: "disconnect"; readonly id: string }
  | { readonly type: "reauthorise"; readonly id: string | undefined };

const CHANNEL = "phoenix-sockets";

export class NodeMessages {
  readonly #pubsub: PubSub | undefined;
  readonly #node: string;
  #silence: (() => void) | undefined;

  /** `pubsub` undefined: there are no other nodes. */
  constructor(
    pubsub: PubSub | undefined,
    node: string,
    hears: { disconnect(id: string): void; reauthorise(id: string | undefined): void },
  ) {
    this.#pubsub = pubsub;
    this.#node = node;
    this.#silence = pubsub?.subscribe(CHANNEL, (told) => {
      const {
        node: by,
        type,
        id,
      } = (told ?? {}) as { readonly node?: unknown; readonly type?: unknown; readonly id?: unknown };
      if (by === node) return;
      if (type === "disconnect" && typeof id === "string") return hears.disconnect(id);
      if (type === "reauthorise" && (typeof id === "string" || id === undefined || id === null))
        return hears.reauthorise(id ?? undefined);
      throw new CallaError("protocol", { channel: CHANNEL });
    });
  }

  tell(message: NodeMessage): void {
    this.#pubsub?.publish(CHANNEL, { node: this.#node, ...message });
  }

  stop(): void {
    const silence = this.#silence;
    this.#silence = undefined;
    silence?.();
  }
}
