// WebSocket frames of a server (RFC 6455, section 5.2): whole messages, unmasked. A frame that goes to many followers
// is framed once, so that a broadcast costs each of them one write of bytes that are already there.
import type { Duplex } from "node:stream";
import type { WireFrame } from "../connection.ts";

/** Payloads from here on are written beside their header: a copy would cost more than the second chunk. */
const LARGE = 65_536;
const FRAMED = Symbol("framed");

/** A frame that remembers its bytes on the socket. Kept on the object: a WeakMap costs the collector more. */
interface FramedFrame extends WireFrame {
  [FRAMED]?: Buffer;
}

/** Writes the frame to the socket. The bytes of one call are never parted by a control frame. */
export function writeFrame(socket: Duplex, frame: WireFrame): void {
  if (frame.bytes.length < LARGE) {
    socket.write((frame as FramedFrame)[FRAMED] ?? framed(frame));
    return;
  }
  socket.cork();
  socket.write(header(frame, Buffer.allocUnsafe(10)));
  socket.write(frame.bytes);
  socket.uncork();
}

function framed(frame: FramedFrame): Buffer {
  const { bytes } = frame;
  const start = bytes.length < 126 ? 2 : 4;
  const buffer = Buffer.allocUnsafe(start + bytes.length);
  header(frame, buffer);
  buffer.set(bytes, start);
  if (Object.isExtensible(frame)) frame[FRAMED] = buffer;
  return buffer;
}

/** Writes the header to the buffer's beginning; gives back its bytes. */
function header({ bytes, text }: WireFrame, buffer: Buffer): Buffer {
  const { length } = bytes;
  buffer[0] = text ? 0x81 : 0x82; // FIN and the opcode
  if (length < 126) {
    buffer[1] = length;
    return buffer.subarray(0, 2);
  }
  if (length < 65_536) {
    buffer[1] = 126;
    buffer.writeUInt16BE(length, 2);
    return buffer.subarray(0, 4);
  }
  buffer[1] = 127;
  buffer.writeUInt16BE(0, 2);
  buffer.writeUIntBE(length, 4, 6);
  return buffer.subarray(0, 10);
}
