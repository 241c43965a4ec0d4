// A line's listener that remembers what it was told.
import type { PostgresLineEvents } from "../../src/postgres/driver/driver.ts";

export function hearing() {
  const heard: string[] = [];
  const lost: unknown[] = [];
  const events: PostgresLineEvents = {
    heard: (payload) => void heard.push(payload),
    lost: (why) => void lost.push(why),
  };
  return { heard, lost, events };
}
