// An ephemeral topic in a page: what is told it leaves with the turn or never, and of who is heard the latest is kept.
import { messageId } from "../base/random.ts";
import { oncePerTurn } from "../base/turn.ts";
import type { EphemeralPage, Keep } from "./slice.ts";

const EMPTY: ReadonlyMap<unknown, unknown> = new Map();

interface Shown {
  readonly status: string;
  readonly code: string;
  readonly latest: unknown;
}

export function ephemeralPage(keep: Keep): EphemeralPage {
  return {
    heard(model, all) {
      if (keep === "none") return model;
      const latest = new Map(model as typeof EMPTY);
      for (const { from, userId, messages } of all) {
        // Who spoke last stands last; who has left says nothing, and stands no more.
        latest.delete(from);
        for (const message of messages) if (from !== null) latest.set(from, { message, userId });
      }
      return latest;
    },
    open(host, { id, state, retain, touch, onChange, onPush }, accept) {
      let told: readonly unknown[] = [];
      const say = oncePerTurn(host.clock, () => {
        host.line.send(
          told.map((message) => ({
            type: "TopicMessage",
            target: id,
            mid: 0,
            id: messageId(host.random),
            settled: 0,
            messages: [message],
          })),
        );
        told = [];
      });
      let of: object | undefined;
      let shown: Shown;
      /** The same object until something in it changes, as what it is made of. */
      const look = (): Shown => {
        const now = state();
        if (now === of) return shown;
        of = now;
        const { status, code, model } = now;
        return (shown = { status, code, latest: model ?? EMPTY });
      };
      return {
        id,
        get state() {
          return look();
        },
        onChange: (listener: (state: Shown) => void) => onChange(() => listener(look())),
        retain,
        touch,
        dispatch(message: unknown) {
          const messages = accept(host, id, message);
          told = keep === "latest" ? messages.slice(-1) : [...told, ...messages];
          say();
        },
        onPush,
      };
    },
  };
}
