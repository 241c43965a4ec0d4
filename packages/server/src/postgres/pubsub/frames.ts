// What goes into a NOTIFY. Postgres takes fewer than 8,000 bytes: small messages share a frame, a large one goes in several.
// Each sender counts its frames, so that who hears them finds out what is missing, and what comes twice.
//
//   1 <sender> <number> <kind><body>      kinds: = whole messages, < the first part of one, - another, > the last
//   message: <length of channel>,<length of text>:<channel><text>      lengths in UTF-16 units

/** With the header well below 8,000. */
const MOST_BYTES = 7_800;

export type FrameKind = "=" | "<" | "-" | ">";

export interface Frame {
  readonly sender: string;
  readonly number: number;
  readonly kind: FrameKind;
  readonly body: string;
}

export interface Message {
  readonly channel: string;
  readonly text: string;
}

export const writeMessage = ({ channel, text }: Message): string =>
  `${channel.length},${text.length}:${channel}${text}`;

/** Undefined where it is none. */
export function readMessages(body: string): readonly Message[] | undefined {
  const messages: Message[] = [];
  const lengths = /(\d{1,9}),(\d{1,9}):/y;
  for (let at = 0; at < body.length;) {
    lengths.lastIndex = at;
    const found = lengths.exec(body);
    if (found === null) return undefined;
    const begins = lengths.lastIndex;
    const text = begins + Number(found[1]);
    at = text + Number(found[2]);
    if (at > body.length) return undefined;
    messages.push({ channel: body.slice(begins, text), text: body.slice(text, at) });
  }
  return messages;
}

export const writeFrame = ({ sender, number, kind, body }: Frame): string =>
  `1 ${sender} ${number} ${kind}${body}`;

const HEADER = /^1 ([\da-z]{1,16}) (\d{1,15}) ([=<\->])/;

/** Undefined where it is none. */
export function readFrame(payload: string): Frame | undefined {
  const found = HEADER.exec(payload);
  if (found === null) return undefined;
  const [header, sender = "", number, kind] = found;
  return {
    sender,
    number: Number(number),
    kind: kind as FrameKind,
    body: payload.slice(header.length),
  };
}

/** Written messages as bodies of frames, in order. */
export function framed(messages: readonly string[]): readonly Pick<Frame, "kind" | "body">[] {
  const frames: Pick<Frame, "kind" | "body">[] = [];
  let body = "";
  let bytes = 0;
  const end = (): void => {
    if (body !== "") frames.push({ kind: "=", body });
    body = "";
    bytes = 0;
  };
  for (const message of messages) {
    const more = Buffer.byteLength(message);
    if (bytes + more > MOST_BYTES) end();
    if (more > MOST_BYTES) frames.push(...parts(message));
    else {
      body += message;
      bytes += more;
    }
  }
  end();
  return frames;
}

const encoder = new TextEncoder();
const part = new Uint8Array(MOST_BYTES);

/** As much as fits in each, no character cut in two. */
function parts(message: string): Pick<Frame, "kind" | "body">[] {
  const bodies: string[] = [];
  for (let at = 0; at < message.length;) {
    // The half of a pair at the end of a slice stays out by itself: it would take three bytes, and each unit before it has
    // taken one at least.
    const next = at + encoder.encodeInto(message.slice(at, at + MOST_BYTES), part).read;
    bodies.push(message.slice(at, next));
    at = next;
  }
  return bodies.map((body, i) => ({ kind: i === 0 ? "<" : i === bodies.length - 1 ? ">" : "-", body }));
}
