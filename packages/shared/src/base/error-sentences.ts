// What every error code means, for documentation and for tools that show errors to people.
import type { ErrorCode } from "./errors.ts";

/** One sentence for each code; the keys are the whole list of codes. */
export const ERROR_SENTENCES: Readonly<Record<ErrorCode, string>> = {
  wiring: "The wiring is not well formed.",
  topic: "This is not a topic id, or no slice of the wiring has it.",
  strict: "A development check failed: an update was impure, mutated its input or returned a wrong model.",
  invalid: "The message does not match its schema.",
  "invalid-value": "The value cannot be carried by the wire.",
  undecodable: "These bytes are not a frame.",
  "hostile-key": "A key that could reach a prototype was refused.",
  "too-deep": "The value is nested more deeply than the limit.",
  "too-large": "The value is larger than the limit.",
  protocol: "The peer broke the protocol.",
  version: "The peers, or a node and its log, have different versions.",
  skipped: "A record of the log cannot be folded; it is skipped, on every replica alike.",
  diverged: "Two replicas of one target differ at the same place of its history.",
  "update-threw": "An update function threw.",
  hook: "A hook or handler of the application threw.",
  storage: "The storage failed.",
  transport: "The transport failed.",
  forbidden: "This is not allowed.",
  unhandled: "No handler was registered for this slice, so it is refused.",
  "client-expired": "The client's identity has expired; whether the message was applied cannot be known.",
  held: "Every connection that carries this message ends; it is kept and not sent.",
  "queue-full": "Too many messages are waiting for their outcome.",
  cancelled: "The message was cancelled before it was sent.",
  removed: "The topic was removed.",
  missing: "There is no such topic: only the server makes one of this slice.",
  compacted: "The log does not reach back that far.",
  closed: "The client, server or topic is closed.",
  rejected: "The server rejected the message.",
};
