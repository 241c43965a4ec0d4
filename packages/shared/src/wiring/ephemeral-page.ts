// An ephemeral topic in a page: what is told it leaves with the turn or never, and of who is heard the latest is kept.
import { messageId } from "../base/random.ts";
import { oncePerTurn } from "../base/turn.ts";
import type { EphemeralPage, Keep } from "./slice.ts";

const EMPTY: ReadonlyMap<unknown, unknown> = new Map();

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
    open(host, { id, state, retain, onChange, onPush }, accept) {
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
      const topic = {
        id,
        get status() {
          return state().status;
        },
        get latest() {
          return state().model ?? EMPTY;
        },
        onChange: (listener: (topic: object) => void) => onChange(() => listener(topic)),
        retain,
        dispatch(message: unknown) {
          const messages = accept(host, id, message);
          told = keep === "latest" ? messages.slice(-1) : [...told, ...messages];
          say();
        },
        onPush,
      };
      return topic;
    },
  };
}
