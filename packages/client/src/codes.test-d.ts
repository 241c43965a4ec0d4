// Codes: an app switches over them to the end, and a typo does not compile; checked by `npm run check:types`. [PR6]
import { CallaError } from "@calla/shared";
import type { ErrorCode, ServerFrame } from "@calla/shared";
import { RejectedError } from "./base/rejected-error.ts";
import type { AppCode, CallaRejectionCode, ClosingCode, ConnectionCode } from "./index.ts";
import type { ClientStatus } from "./client.ts";
import type { TopicState } from "./topic.ts";

declare const status: ClientStatus;
declare const state: TopicState<never>;
declare const thrown: unknown;

switch (status.reason) {
  case "unauthenticated":
  case "superseded":
  case "unreachable":
    break;
  // @ts-expect-error no such code
  case "unathenticated":
    break;
  default: {
    // What is left is what was not named, to the last one.
    const left:
      | ""
      | "origin"
      | "host"
      | AppCode
      | Exclude<ClosingCode | ConnectionCode, "unauthenticated" | "superseded" | "unreachable"> =
      status.reason;
    void left;
  }
}
if (status.reason === "app:replaced-by-admin") void status.text;
// @ts-expect-error an app's own code is marked as such
if (status.reason === "replaced-by-admin") void status.text;

if (state.status === "refused") {
  if (state.code === "forbidden" || state.code === "closed") void state;
  // @ts-expect-error no such code
  if (state.code === "forbiden") void state;
  // @ts-expect-error it is refused for a reason
  if (state.code === "") void state;
}
// @ts-expect-error a topic that is stale is not refused
if (state.status === "stale" && state.code === "too-many-topics") void state;

if (thrown instanceof RejectedError) {
  if (thrown.from === "calla") {
    switch (thrown.code) {
      case "forbidden":
      case "client-expired":
        break;
      default:
        thrown.code satisfies Exclude<CallaRejectionCode, "forbidden" | "client-expired">;
    }
    // @ts-expect-error no such code
    if (thrown.code === "forbiden") void thrown;
  } else if (thrown.code === "aSliceOwn") void thrown.details;
}
if (thrown instanceof CallaError) {
  if (thrown.code === "queue-full") void thrown.details;
  // @ts-expect-error no such code
  if (thrown.code === "queue-ful") void thrown.details;
}
const made: ErrorCode = new CallaError("wiring").code;
void made;
// @ts-expect-error no such code
void new CallaError("wirng");

declare const say: (frame: ServerFrame) => void;
say({ type: "Closing", code: "draining", retryable: true, within: 0 });
// @ts-expect-error a code of another frame
say({ type: "Closing", code: "gap", retryable: true, within: 0 });
// @ts-expect-error no such code
say({ type: "Paused", target: "a", from: 1, code: "bussy", retryAfter: 0 });
// @ts-expect-error a code of another frame
say({ type: "Unsubscribed", target: "a", ref: 1, code: "superseded", retryable: true });
say({ type: "Rejected", target: "a", mid: 1, id: "m", from: "app", code: "aSliceOwn", details: {} });
// @ts-expect-error none of Calla's
say({ type: "Rejected", target: "a", mid: 1, id: "m", from: "calla", code: "aSliceOwn", details: {} });
