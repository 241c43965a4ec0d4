import { expect, test } from "vitest";
import { signal } from "./notifier.ts";

test("[CL9] a listener that throws is reported and disturbs no other", () => {
  const errors: unknown[] = [];
  const heard: number[] = [];
  const changes = signal<number>((error) => errors.push(error));
  changes.add(() => {
    throw new Error("mine");
  });
  changes.add((value) => heard.push(value));
  changes.emit(1);
  expect(heard).toEqual([1]);
  expect(errors).toEqual([new Error("mine")]);
});

test("[CL9] [CL42] one function may listen twice and leave once; leaving twice is leaving once", () => {
  const heard: number[] = [];
  const listener = (value: number): unknown => heard.push(value);
  const changes = signal<number>(() => {});
  const stop = changes.add(listener);
  changes.add(listener);
  stop();
  stop();
  changes.emit(1);
  expect(heard).toEqual([1]);
});

test("[CL9] [CL42] a listener that stops and listens anew when it is called is called once, and who stops another silences it", () => {
  const heard: string[] = [];
  const changes = signal<number>(() => {});
  let stop = (): void => {};
  const again = (value: number): void => {
    stop();
    if (heard.push(`again ${value}`) < 10) stop = changes.add(again);
  };
  stop = changes.add(again);
  const later = changes.add((value) => heard.push(`later ${value}`));
  changes.emit(1);
  expect(heard).toEqual(["again 1", "later 1"]);
  changes.add(() => last());
  later();
  const last = changes.add((value) => heard.push(`last ${value}`));
  changes.emit(2);
  expect(heard).toEqual(["again 1", "later 1", "again 2"]);
});
