// What one who follows a list is answered, in whichever dialect: what it missed, or all of it.
import type { ServerFrame } from "@calla/shared";
import type { Dialect } from "./dialects.ts";
import { serialiser } from "./fixtures.ts";
import type { Talker } from "./talker.ts";

/** What an answer of everybody's says: where it ends, and what it holds. */
export interface Answer {
  readonly sequence: number;
  readonly mark: number;
  readonly after: number;
  readonly messages?: readonly unknown[];
  readonly items?: readonly unknown[];
}
interface WsAnswer {
  readonly sequence: number;
  readonly after?: number;
  readonly messages?: readonly unknown[];
  readonly items?: readonly unknown[];
}

/** The shared answer in a packet, or undefined where it is something personal. */
export function answerIn(
  dialect: Dialect,
  peer: Talker,
  bytes: Buffer,
  wrong: (why: string) => never,
): Answer | undefined {
  if (dialect.protocol === undefined) {
    const frame = JSON.parse(bytes.toString()) as WsAnswer;
    return { mark: 0, after: 0, ...frame };
  }
  const format = serialiser.formats.find(({ name }) => `calla.${name}` === dialect.protocol)!;
  const frame = format.decode(format.binary ? bytes : bytes.toString()) as ServerFrame;
  switch (frame.type) {
    case "Connected":
      if (peer.name !== "" && peer.name !== frame.clientId) wrong("it came back as somebody else");
      peer.name = frame.clientId;
      peer.secret = frame.secret ?? peer.secret;
      return undefined;
    case "Settled":
      return undefined;
    case "TopicUpdate":
      return {
        sequence: frame.after + frame.records.length,
        mark: frame.mark,
        after: frame.after,
        messages: frame.records.flatMap(([, , , , messages]) => messages),
      };
    case "Snapshot": {
      const { sequence, mark, model } = frame;
      return { sequence, mark, after: 0, items: (model as { items: unknown[] }).items };
    }
    default:
      return wrong(`an answer ${frame.type}`);
  }
}
