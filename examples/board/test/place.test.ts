import { expect, test } from "vitest";
import { placeOf } from "../client/place.ts";

const seen = { top: 100, right: 400, bottom: 700, left: 0 };
const toasts = { width: 300, height: 80 };
const field = (top: number, bottom: number, left = 20, right = 380) => ({ top, right, bottom, left });

test.each([
  ["no field is in use", undefined, "foot"],
  ["the field is further up", field(300, 350), "foot"],
  ["the field is at the foot", field(640, 690), "head"],
  ["the field touches the foot's room", field(600, 621), "head"],
  ["the field ends just above it", field(600, 620), "foot"],
  ["the field is at the foot, beside the toasts", field(640, 690, 0, 49), "foot"],
  ["the field fills what one sees", field(90, 710), "nowhere"],
] as const)("where %s", (_, box, place) => {
  expect(placeOf(toasts, box, seen)).toBe(place);
});

test("with a keyboard on the screen there is less room, and it is found", () => {
  const small = { ...seen, bottom: 340 };
  expect(placeOf(toasts, field(280, 330), small)).toBe("head");
  expect(placeOf(toasts, field(170, 270), small)).toBe("nowhere");
});
