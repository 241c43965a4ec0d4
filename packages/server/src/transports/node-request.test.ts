import { expect, test } from "vitest";
import { aimOf, targetOf } from "./node-request.ts";

test.each([
  ["/ws?x=1", "/ws?x=1", "header"],
  [undefined, "/", "header"],
  ["http://app.example/ws?x=1", "/ws?x=1", "app.example"],
  ["HTTPS://app.example:8443", "/", "app.example:8443"],
  ["http://app.example?x=1", "/?x=1", "app.example"],
  ["http://user:pass@app.example/ws", "/ws", "app.example"],
  // A path, whatever is in it.
  ["/http://app.example/ws", "/http://app.example/ws", "header"],
  ["//app.example/ws", "//app.example/ws", "header"],
  ["*", "/*", "header"],
  ["http:///ws", "/ws", "header"],
])("[SV16] the target %s is %s of the host that is named", (url, target, host) => {
  const headers = { host: "header", accept: "a" };
  expect(aimOf(url, headers)).toEqual({ url: target, headers: { ...headers, host } });
  expect(targetOf(url)).toBe(target);
});
