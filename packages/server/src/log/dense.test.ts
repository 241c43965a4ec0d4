import { expect, test } from "vitest";
import { appendOf, recordsAfter } from "../testing/log-contract/kit.ts";
import { checkDense } from "./dense.ts";

test("[LG26] an append is dense from where it goes on, or the caller's mistake", () => {
  expect(() => checkDense(appendOf("t", 3, 2))).not.toThrow();
  expect(() => checkDense({ ...appendOf("t", 3, 2), records: [] })).not.toThrow();
  expect(() => checkDense({ ...appendOf("t", 3, 2), records: recordsAfter(4, 2) })).toThrow(RangeError);
  expect(() => checkDense({ ...appendOf("t", 3, 2), records: recordsAfter(3, 2).slice(1) })).toThrow(
    "An append's records are dense from the expected sequence.",
  );
});
