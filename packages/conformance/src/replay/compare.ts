// Compares what was heard with what the recording says: frames by their parsed JSON, opcodes, close codes, statuses, and the
// headers that the protocol gives a meaning. Reasons of close frames are free, and so are other headers.
import type { Answer } from "../wire/answer.ts";
import type { Heard } from "../wire/raw-socket.ts";
import type { Hearing, Json } from "../recording/recording.ts";
import { equals, type Known } from "./forms.ts";

/** Headers that must be there exactly where the recording has them, with its values; of a handshake that succeeds: */
const HANDSHAKE = ["sec-websocket-protocol", "sec-websocket-extensions"];
/** Of an answer, these too. */
const EXACT = [
  ...HANDSHAKE,
  "access-control-allow-origin",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-max-age",
  "access-control-allow-credentials",
];
/** Headers that must be there where the recording has them; elsewhere a server may have its own. */
const AT_LEAST = ["content-type", "cache-control"];
/** What a machine with much to do may be early by: a timer of another process against ours. */
const EARLY = 0.8;

/** Whether a thing heard is what the recording says. `since`: when its connection last said something. */
export function isAsRecorded(hearing: Hearing, heard: Heard, since: number, known: Known): boolean {
  if (hearing.hear !== heard.heard) return false;
  if (hearing.after !== undefined && heard.ms - since < hearing.after * EARLY) return false;
  switch (hearing.hear) {
    case "upgraded":
      return heard.heard === "upgraded" && heard.accepted && protocolsMatch(hearing.headers, heard.answer);
    case "text":
      return heard.heard === "text" && equals(hearing.json, parsed(heard.text), known);
    case "binary":
    case "ping":
    case "pong":
      return heard.heard === hearing.hear && heard.bytes.toString("hex") === hearing.hex;
    case "close":
      return heard.heard === "close" && heard.code === hearing.code;
    case "status":
      return heard.heard === "status" && heard.status === hearing.status;
    case "end":
      return true;
    case "broken":
      return false;
    case "answer":
      return heard.heard === "answer" && answers(hearing, heard.answer, known);
  }
}

function answers(hearing: Hearing & { hear: "answer" }, answer: Answer, known: Known): boolean {
  if (answer.status !== hearing.status || !headersMatch(hearing.headers, answer)) return false;
  const text = answer.body.toString("utf8");
  if (hearing.json !== undefined) return equals(hearing.json, framesShown(parsed(text)), known);
  return equals(hearing.body ?? "", text, known);
}

function headersMatch(expected: Readonly<Record<string, string>>, { headers }: Answer): boolean {
  return (
    EXACT.every((name) => headers[name] === expected[name]) &&
    AT_LEAST.every((name) => expected[name] === undefined || headers[name] === expected[name])
  );
}

/** Of a handshake; a LongPoll session's first answer has neither. */
const protocolsMatch = (expected: Readonly<Record<string, string>>, { headers }: Answer): boolean =>
  HANDSHAKE.every((name) => headers[name] === expected[name]);

/** The body of a poll with its messages parsed, each where it is JSON. */
function framesShown(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("messages" in body) || !Array.isArray(body.messages)) {
    return body;
  }
  return { ...body, messages: body.messages.map((message) => parsed(String(message))) };
}

/** The JSON that a text is, or the text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A thing heard, in the form of a recording. */
export function asHearing(heard: Heard): Hearing {
  switch (heard.heard) {
    case "upgraded":
      return heard.accepted
        ? { hear: "upgraded", headers: only(HANDSHAKE, heard.answer) }
        : { hear: "broken", what: "a handshake with a wrong sec-websocket-accept" };
    case "text":
      return { hear: "text", json: parsed(heard.text) as Json };
    case "binary":
    case "ping":
    case "pong":
      return { hear: heard.heard, hex: heard.bytes.toString("hex") };
    case "close":
      return { hear: "close", code: heard.code };
    case "status":
      return { hear: "status", status: heard.status };
    case "broken":
      return { hear: "broken", what: heard.what };
    case "end":
      return { hear: "end" };
    case "answer": {
      const { status, body } = heard.answer;
      const json = framesShown(parsed(body.toString("utf8"))) as Json;
      const headers = only([...EXACT, ...AT_LEAST], heard.answer);
      return { hear: "answer", status, headers, ...(typeof json === "string" ? { body: json } : { json }) };
    }
  }
}

const only = (names: readonly string[], { headers }: Answer): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));

/** A thing heard, as a line of a report. */
export function shown({ after, ...rest }: Hearing): string {
  const { who: _, floats: _floats, maybe: _maybe, ...plain } = rest;
  return `${JSON.stringify(plain)}${after === undefined ? "" : ` after ${after} ms`}`;
}
