// WebSocket frames of a server (RFC 6455, section 5.2): whole messages, unmasked. A frame for many subscribers is
// framed once, so that a broadcast costs each of them one write of bytes that are already there.
import type { Duplex } from "node:stream";
import type { WireFrame } from "../../base/connection.ts";

/** Payloads from here on are written beside their header: a copy would cost more than the second chunk. */
const LARGE = 65_536;
/** Frames that are together no larger are written as one chunk: copying 16 KB costs less than a list of buffers. */
const SMALL = 16_384;
const MOST_HEADER = 10;
const FRAMED = Symbol("framed");

/** A frame that remembers its bytes on the socket. Kept on the object: a WeakMap costs the collector more. */
interface SocketFrame extends WireFrame {
  [FRAMED]?: Buffer;
}

/** Writes the frame to the socket. The bytes of one call are never parted by a control frame. */
export function writeFrame(socket: Duplex, frame: WireFrame): void {
  if (frame.bytes.length < LARGE) {
    socket.write((frame as SocketFrame)[FRAMED] ?? framed(frame));
    return;
  }
  socket.cork();
  const start = Buffer.allocUnsafe(MOST_HEADER);
  header(frame, start, 0);
  socket.write(start);
  socket.write(frame.bytes);
  socket.uncork();
}

/** Writes several frames, of at most `queued` bytes without their headers. */
export function writeFrames(socket: Duplex, frames: readonly WireFrame[], queued: number): void {
  if (queued > SMALL) {
    socket.cork();
    for (const frame of frames) writeFrame(socket, frame);
    socket.uncork();
    return;
  }
  const all = Buffer.allocUnsafe(queued + MOST_HEADER * frames.length);
  let end = 0;
  for (const frame of frames) end += frameInto(all, end, frame);
  socket.write(all.subarray(0, end));
}

function framed(frame: SocketFrame): Buffer {
  const { bytes } = frame;
  const buffer = Buffer.allocUnsafe((bytes.length < 126 ? 2 : 4) + bytes.length);
  frameInto(buffer, 0, frame);
  if (Object.isExtensible(frame)) frame[FRAMED] = buffer;
  return buffer;
}

/** Writes header and payload at a place in the buffer; gives how many bytes. */
function frameInto(buffer: Buffer, at: number, frame: WireFrame): number {
  const start = header(frame, buffer, at);
  buffer.set(frame.bytes, at + start);
  return start + frame.bytes.length;
}

/** Writes the header to the buffer; gives back how many bytes it has. */
function header({ bytes, text }: WireFrame, buffer: Buffer, at: number): number {
  const { length } = bytes;
  buffer[at] = text ? 0x81 : 0x82; // FIN and the opcode
  if (length < 126) {
    buffer[at + 1] = length;
    return 2;
  }
  if (length < 65_536) {
    buffer[at + 1] = 126;
    buffer.writeUInt16BE(length, at + 2);
    return 4;
  }
  buffer[at + 1] = 127;
  buffer.writeUInt16BE(0, at + 2);
  buffer.writeUIntBE(length, at + 4, 6);
  return MOST_HEADER;
}
