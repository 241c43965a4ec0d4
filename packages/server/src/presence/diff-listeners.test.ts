import { describe, expect, test } from "vitest";
import { DiffListeners } from "./diff-listeners.ts";
import type { PresenceEntry } from "./state/entry.ts";

const entry = (clock: number, topic = "t", key = "k"): PresenceEntry => ({
  topic,
  holder: "h",
  key,
  meta: null,
  replica: "r",
  clock,
});
const NONE: readonly PresenceEntry[] = [];

function listening() {
  const errors: unknown[] = [];
  const told: string[] = [];
  const listeners = new DiffListeners((error) => void errors.push(error));
  listeners.add(({ topic, joins, leaves }) => {
    told.push(
      `${topic} +${joins.map(({ clock }) => clock).join()} -${leaves.map(({ clock }) => clock).join()}`,
    );
  });
  return { listeners, told, errors };
}

describe("[PN50] what happens together", () => {
  test("is told behind it as one, without what came and went", () => {
    const { listeners, told } = listening();
    const [one, two, passing] = [entry(1), entry(2), entry(3)];
    listeners.together(() => {
      listeners.tell({ joins: [passing], leaves: [one] });
      listeners.together(() => listeners.tell({ joins: [two], leaves: NONE }));
      listeners.tell({ joins: NONE, leaves: [passing] });
      expect(told).toEqual([]);
    });
    expect(told).toEqual(["t +2 -1"]);
    listeners.tell({ joins: [one], leaves: NONE });
    expect(told).toEqual(["t +2 -1", "t +1 -"]);
  });

  test("is told where it throws, too", () => {
    const { listeners, told } = listening();
    expect(() =>
      listeners.together(() => {
        listeners.tell({ joins: [entry(1)], leaves: NONE });
        throw new Error("boom");
      }),
    ).toThrow("boom");
    expect(told).toEqual(["t +1 -"]);
    listeners.together(() => undefined);
    expect(told).toHaveLength(1);
  });

  test("silently is told nobody, and what comes behind it is", () => {
    const { listeners, told } = listening();
    listeners.together(() => {
      listeners.tell({ joins: [entry(1)], leaves: NONE });
      listeners.silently(() => listeners.tell({ joins: [entry(2)], leaves: NONE }));
      listeners.tell({ joins: [entry(3)], leaves: NONE });
    });
    expect(() =>
      listeners.silently(() => {
        throw new Error("boom");
      }),
    ).toThrow("boom");
    listeners.tell({ joins: [entry(4, "u"), entry(5, "t", "")], leaves: NONE });
    expect(told).toEqual(["t +1,3 -", "u +4 -"]);
  });
});
