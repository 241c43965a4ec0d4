// Why Calla, and not a slice's own update, rejects a message: the code of a `Rejected` from "calla", which the author's
// app meets as a RejectedError. What was predicted is rolled back.
import { codeTable } from "./code-table.ts";

/** Why Calla, and not the app, has rejected a message: the code of a RejectedError whose `from` is "calla". */
export const rejectionCodes = codeTable({
  cancelled: {
    retryable: false,
    means: "The message was cancelled before it was sent.",
    cure: "Nothing: the app has cancelled it.",
  },
  "client-expired": {
    retryable: false,
    means: "The client's identity has expired; whether the message was applied cannot be known.",
    cure: "Look at the model, and let the user do it again if it is not there.",
  },
  forbidden: {
    retryable: false,
    means: "This is not allowed.",
    cure: "canSubscribe or canDispatch says no: show it, and offer nothing that is not allowed.",
  },
  hook: {
    retryable: false,
    means: "A hook or handler of the application threw.",
    cure: "Mend canDispatch or amend; the server's onError has the error.",
  },
  "hostile-key": {
    retryable: false,
    means: "A key that could reach a prototype was refused.",
    cure: "Name no field __proto__, constructor or prototype; use a Map for keys of users' choosing.",
  },
  invalid: {
    retryable: false,
    means: "The message does not match its schema.",
    cure: "Details have the issues. Client and server have different wirings, or amend returned something that is no message.",
  },
  "mid-conflict": {
    retryable: false,
    means: "Another message was sent under this number; whether this one was applied cannot be known.",
    cure: "Nothing in a page: the client begins anew and sends it under another number. Give each dispatch with a key a key of its own.",
  },
  missing: {
    retryable: false,
    means: "There is no such topic: only the server makes one of this slice.",
    cure: "Have the server make it first (server.topic(…).dispatch).",
  },
  removed: {
    retryable: false,
    means: "The topic was removed.",
    cure: "Show that it is gone.",
  },
  "server-only": {
    retryable: false,
    means: "Only the server may dispatch this message.",
    cure: "Dispatch it by server.topic(…).dispatch, or take serverOnly from its definition.",
  },
  "too-deep": {
    retryable: false,
    means: "The value is nested more deeply than the limit.",
    cure: "Dispatch flatter messages, or keep the model flat.",
  },
  "too-large": {
    retryable: false,
    means: "The value is larger than the limit.",
    cure: "Details have the limit: dispatch less at once, or split the topic.",
  },
  topic: {
    retryable: false,
    means: "This is not a topic id, or no slice of the wiring has it.",
    cure: "Give client and server the same wiring.",
  },
  undecodable: {
    retryable: false,
    means: "These bytes are not a frame.",
    cure: "Give client and server the same serialiser.",
  },
  unhandled: {
    retryable: false,
    means: "No handler was registered for this slice, so it is refused.",
    cure: "Call server.handle(slice, { … }), or { public: true }.",
  },
  "unknown-message": {
    retryable: false,
    means: "The slice has no message of this type on the other side.",
    cure: "Give client and server the same wiring; raise a slice's version when its messages change.",
  },
  "update-threw": {
    retryable: false,
    means: "An update function threw.",
    cure: "Mend the update; the server's onError has the error.",
  },
  version: {
    retryable: false,
    means: "The peers, or a node and its log, have different versions.",
    cure: "Details have the reason: the slice's migration dropped the message, or could not bring it into this version.",
  },
});

/** Calla's own reasons to reject a message. */
export type CallaRejectionCode = keyof typeof rejectionCodes;

/** Why a message was rejected: by its slice, in the slice's own words, or by Calla. */
export type Rejection =
  | { readonly from: "app"; readonly code: string; readonly details: unknown }
  | { readonly from: "calla"; readonly code: CallaRejectionCode; readonly details: unknown };
