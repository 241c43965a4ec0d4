/// <reference types="node" preserve="true" />
// WebSocket frames as bytes (RFC 6455, section 5): writes any, broken ones too, and reads what a server writes.
import { randomBytes } from "node:crypto";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly fin: boolean;
  /** The three reserved bits, as a number: 4 is RSV1. */
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** A frame as a client writes it: whole, and masked unless `masked` is false. */
export function writeFrame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, rsv = 0, masked = true }: { fin?: boolean; rsv?: number; masked?: boolean } = {},
): Buffer {
  const { length } = payload;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.of(first, mask | length)
      : length < 65_536
        ? Buffer.of(first, mask | 126, length >> 8, length & 0xff)
        : longHead(first, mask, length);
  if (!masked) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  const body = Buffer.from(payload);
  for (let i = 0; i < body.length; i += 1) body[i] = (body[i] ?? 0) ^ (key[i & 3] ?? 0);
  return Buffer.concat([head, key, body]);
}

function longHead(first: number, mask: number, length: number): Buffer {
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = mask | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now. */
  read(chunk: Uint8Array): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  /** What has come of a frame that is not whole. */
  get unread(): Buffer {
    return this.#rest;
  }

  #next(): Frame | undefined {
    const [first, second] = this.#rest;
    if (first === undefined || second === undefined) return undefined;
    const masked = (second & 0x80) !== 0;
    const short = second & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + extra + (masked ? 4 : 0);
    if (this.#rest.length < start) return undefined;
    const length =
      extra === 0 ? short : extra === 2 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
    const end = start + length;
    if (this.#rest.length < end) return undefined;
    const payload = Buffer.from(this.#rest.subarray(start, end));
    if (masked) {
      const key = this.#rest.subarray(start - 4, start);
      for (let i = 0; i < length; i += 1) payload[i] = (payload[i] ?? 0) ^ (key[i & 3] ?? 0);
    }
    this.#rest = this.#rest.subarray(end);
    return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 15, masked, payload };
  }
}
