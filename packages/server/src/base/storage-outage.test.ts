import { expect, test } from "vitest";
import { storageError, StorageOutage } from "./storage-outage.ts";

test("[SV23] a failure is a sentence, whatever was thrown", () => {
  expect(storageError("read", new Error("The disk is full.")).message).toBe(
    "The log's read() failed: The disk is full.",
  );
  expect(storageError("read", "no", "It is read again.").message).toBe(
    "The log's read() failed: no. It is read again.",
  );
  expect(storageError("read", "no")).toMatchObject({
    code: "storage",
    details: { method: "read", cause: "no" },
  });
});

/** An outage by a clock that the test moves, and what it told. */
function watched() {
  const time = { now: 0 };
  const told: string[] = [];
  const outage = new StorageOutage({
    clock: { monotonic: () => time.now },
    report: (error) => told.push((error as Error).message),
    method: "moved",
    meaning: "It is asked again.",
  });
  const fail = (cause: string) =>
    expect(outage.watch(() => Promise.reject(new Error(cause)))).rejects.toThrow(cause);
  return { time, told, outage, fail };
}

test("[SV23] each outage is told once, and so is its end", async () => {
  const { time, told, outage, fail } = watched();
  expect(await outage.watch(async () => "an answer")).toBe("an answer");
  for (const cause of ["first", "second", "third"]) await fail(cause);
  time.now = 1_234;
  for (let call = 0; call < 2; call++) await outage.watch(async () => "an answer");
  await fail("another");
  expect(told).toEqual([
    "The log's moved() failed: first. It is asked again.",
    "The log's moved() works again, 1.2 s after it first failed (calls that failed: 3).",
    "The log's moved() failed: another. It is asked again.",
  ]);
});

test("[SV23] a call that hung, and ends behind one that worked, is no outage", async () => {
  const { time, told, outage } = watched();
  let end!: (error: Error) => void;
  const hung = outage.watch(() => new Promise((_, reject) => (end = reject)));
  time.now = 1;
  await outage.watch(async () => undefined);
  end(new Error("late"));
  await expect(hung).rejects.toThrow("late");
  expect(told).toEqual([]);
});
