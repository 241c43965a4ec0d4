// How much of what was written to a peer it has taken in.
import type { Duplex } from "node:stream";

/**
 * Bytes that the system has taken from us. The stream itself only tells when a whole write is through, which for a
 * large snapshot on a slow line takes minutes. Where a stream has no such handle it is 0: then pings alone decide.
 */
export function flushedBytes(socket: Duplex): number {
  const handle = (socket as { _handle?: { bytesWritten?: number; writeQueueSize?: number } | null })._handle;
  return (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0);
}
