import { expect, it } from "vitest";
import { targetOf } from "./target.ts";

it("reads where a server is, over TLS or not, and what stands before its paths", () => {
  const at = (url: string): unknown => {
    const { host, port, secure, prefix } = targetOf(url);
    return [host, port, secure, prefix];
  };
  expect(at("ws://localhost:4000/socket")).toEqual(["localhost", 4000, false, ""]);
  expect(at("http://localhost:4000/socket/longpoll")).toEqual(["localhost", 4000, false, ""]);
  expect(at("localhost:4000")).toEqual(["localhost", 4000, false, ""]);
  expect(at("wss://app.example/live/socket/websocket")).toEqual(["app.example", 443, true, "/live"]);
  expect(at("https://[::1]:4001/")).toEqual(["::1", 4001, true, ""]);
});
