// What a CallaError is about: what Calla throws, or tells by `onError`.
import { codeTable } from "./code-table.ts";

/** What a CallaError that Calla throws, or hands to `onError`, is about. */
export const errorCodes = codeTable({
  cancelled: {
    retryable: false,
    means: "The message was cancelled before it was sent.",
    cure: "Nothing: the app has cancelled it.",
  },
  "child-failed": {
    retryable: false,
    means: "Something that is supervised has failed, was not started or did not stop.",
    cure: "The message says which, why, and whether it was restarted; details.cause is what it said.",
  },
  closed: {
    retryable: false,
    means: "The client, server or topic is closed.",
    cure: "Use nothing of it after close(), forget() or stop(); what is stored is sent by the next client.",
  },
  compacted: {
    retryable: false,
    means: "The log does not reach back that far.",
    cure: "Begin at details.from, or keep records longer (the log's retention).",
  },
  diverged: {
    retryable: true,
    means: "Two replicas of one target differ at the same place of its history.",
    cure: "It is healed already. An update is not pure, or client and server have different code: find which.",
  },
  exists: {
    retryable: false,
    means: "There is one of this name already.",
    cure: "Use that one, or give another name.",
  },
  forbidden: {
    retryable: false,
    means: "This is not allowed.",
    cure: "The error's message says what must be done first.",
  },
  held: {
    retryable: false,
    means: "Every connection that carries this message ends; it is kept and not sent.",
    cure: "Show client.status.held: its retry() in another network, or cancel().",
  },
  hook: {
    retryable: false,
    means: "A hook or handler of the application threw.",
    cure: "Mend the hook that details name.",
  },
  "hostile-key": {
    retryable: false,
    means: "A key that could reach a prototype was refused.",
    cure: "Name no field __proto__, constructor or prototype; use a Map for keys of users' choosing.",
  },
  invalid: {
    retryable: false,
    means: "The message does not match its schema.",
    cure: "Details have the issues; mend the message or the schema.",
  },
  "invalid-value": {
    retryable: false,
    means: "The value cannot be carried by the wire.",
    cure: "Details have the path; use values of the value domain (spec/serialisers-and-values.md), or defineClass.",
  },
  missing: {
    retryable: false,
    means: "There is no such topic: only the server makes one of this slice.",
    cure: "Have the server make it first.",
  },
  protocol: {
    retryable: false,
    means: "The peer broke the protocol.",
    cure: "See that client and server are of one version. Dispatch only one message under a key.",
  },
  "queue-full": {
    retryable: false,
    means: "Too many messages are waiting for their outcome.",
    cure: "Offer no more to do until client.status.pending falls; details have the limit.",
  },
  rejected: {
    retryable: false,
    means: "The message of a server's dispatch was rejected.",
    cure: "Details have from, code and details of the rejection.",
  },
  removed: {
    retryable: false,
    means: "The topic was removed.",
    cure: "Nothing, or dispatch to it: the server's own dispatch brings it back.",
  },
  skipped: {
    retryable: false,
    means: "A record of the log cannot be folded; it is skipped, on every replica alike.",
    cure: "Mend the update or the migration before the next version; details have the place.",
  },
  storage: {
    retryable: true,
    means: "The storage failed.",
    cure: "Details have the reason. Calla goes on trying; until then a client says status.storage `failed`.",
  },
  strict: {
    retryable: false,
    means: "A development check failed: an update was impure, mutated its input or returned a wrong model.",
    cure: "Mend the update that the sentence names.",
  },
  "too-deep": {
    retryable: false,
    means: "The value is nested more deeply than the limit.",
    cure: "Make it flatter, or raise maxDepth of serialiser and limits.",
  },
  "too-large": {
    retryable: false,
    means: "The value is larger than the limit.",
    cure: "Make it smaller, or raise the limit that details name.",
  },
  topic: {
    retryable: false,
    means: "This is not a topic id, or no slice of the wiring has it.",
    cure: "Mend the parameters, or list the slice in defineWiring.",
  },
  transport: {
    retryable: "either",
    means: "The transport failed.",
    cure: "The sentence and details say where: url, port, path, origin, certificate or token (docs/offline.md).",
  },
  undecodable: {
    retryable: false,
    means: "These bytes are not a frame.",
    cure: "Give client and server the same serialiser; see that nothing on the way changes what is sent.",
  },
  unhandled: {
    retryable: false,
    means: "No handler was registered for this slice, so it is refused.",
    cure: "Call server.handle(slice, { … }), or { public: true }.",
  },
  unknown: {
    retryable: false,
    means: "There is none of this name.",
    cure: "Create it first, or mend the name.",
  },
  "update-threw": {
    retryable: false,
    means: "An update function threw.",
    cure: "Mend the update that details name: it is to reject by context.reject, or to return a model.",
  },
  version: {
    retryable: "either",
    means: "The peers, or a node and its log, have different versions.",
    cure: "Reload the page, deploy the newer version to all nodes, or write the migration that the sentence names.",
  },
  wiring: {
    retryable: false,
    means: "The wiring is not well formed.",
    cure: "Mend what the sentence names; it is thrown where it is defined.",
  },
});

/** The closed union of error codes. */
export type ErrorCode = keyof typeof errorCodes;
