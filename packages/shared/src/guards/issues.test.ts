import { expect, test } from "vitest";
import { plainIssues as inPage } from "../guards-off/issues.ts";
import { plainIssues } from "./issues.ts";

const issue = { message: "no", path: ["cards", { key: 0 }, { key: "text" }] };

test("[WR12] a complaint's path is plain, in a page that is built for production too", () => {
  const plain = [
    { message: "no", path: ["cards", 0, "text"] },
    { message: "none", path: [] },
  ];
  expect(plainIssues([issue, { message: "none" }])).toEqual(plain);
  expect(inPage([issue, { message: "none" }])).toEqual(plain);
});

test("[WR12] a peer hears of the first few complaints, and of none at length", () => {
  const many = Array.from({ length: 20 }, () => ({
    message: "x".repeat(1_000),
    path: Array.from({ length: 100 }, () => "y".repeat(1_000)),
  }));
  const said = plainIssues(many);
  expect(said).toHaveLength(8);
  expect(said[0]!.message).toHaveLength(301);
  expect(said[0]!.path).toHaveLength(32);
  expect(said[0]!.path[0]).toHaveLength(301);
});
