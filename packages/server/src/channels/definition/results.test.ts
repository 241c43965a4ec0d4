// What handlers return is plain data, so that a handler can be tested by calling it.
import { expect, it } from "vitest";
import { joined, noReply, push, refused, reply, stop } from "./results.ts";

it("[MS1] [MS2] [MS3] [MS5] a reply has a status and a response", () => {
  expect(reply()).toEqual({ type: "reply", status: "ok", response: {} });
  expect(reply({ a: 1 })).toEqual({ type: "reply", status: "ok", response: { a: 1 } });
  expect(reply("text")).toEqual({ type: "reply", status: "ok", response: "text" });
  expect(reply(null)).toEqual({ type: "reply", status: "ok", response: null });
  expect(reply("error", {})).toEqual({ type: "reply", status: "error", response: {} });
  expect(reply("teapot", null)).toEqual({ type: "reply", status: "teapot", response: null });
  expect(() => reply(5 as never, {})).toThrow("reply(status, response) takes a text as the status.");
});
it("[MS7] [MS8] nothing and pushes", () => {
  expect(noReply()).toEqual({ type: "none" });
  expect(push("said", { a: 1 })).toEqual({ type: "push", event: "said", payload: { a: 1 } });
});
it("[LV9] [LV10] [LV11] stop has a reason, and a last word", () => {
  const failed = new Error("failed");
  expect(stop()).toEqual({ type: "stop", reason: "normal", last: undefined });
  expect(stop(failed, reply())).toEqual({ type: "stop", reason: failed, last: reply() });
});
it("[JN1] [JN2] [JN5] joins let in or refuse", () => {
  expect(joined()).toEqual({ type: "joined", assigns: {}, response: {} });
  expect(joined({ id: 1 }, [2])).toEqual({ type: "joined", assigns: { id: 1 }, response: [2] });
  expect(refused("full")).toEqual({ type: "refused", response: { reason: "full" } });
  expect(refused({ code: 7 })).toEqual({ type: "refused", response: { code: 7 } });
});
