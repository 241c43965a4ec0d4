import { expect, test } from "vitest";
import { freeColour, rivals } from "../client/colours.ts";
import { colours } from "../shared/wiring.ts";

const has = (...taken: (typeof colours)[number][]) => taken.map((colour, i) => ({ key: `${i}`, colour }));

test("rivals are those in my colour", () => {
  expect(rivals("red", has("blue", "red", "red")).map(({ key }) => key)).toEqual(["1", "2"]);
});

test("of two in one colour one takes the next that is free", () => {
  expect(freeColour("red", has("red"))).toBe("orange");
  expect(freeColour("red", has("red", "orange", "green"))).toBe("olive");
  expect(freeColour("pink", has("pink", "red"))).toBe("orange");
});

test("as many as there are colours all differ, and one more keeps what they have", () => {
  const there: { key: string; colour: (typeof colours)[number] }[] = [];
  for (const key of colours) {
    const mine = rivals("blue", there).length > 0 ? freeColour("blue", there) : "blue";
    there.push({ key, colour: mine });
  }
  expect(new Set(there.map(({ colour }) => colour)).size).toBe(colours.length);
  expect(freeColour("blue", there)).toBe("blue");
});
