// Reads a request's body up to a limit, in the time given for it.
import type { IncomingMessage } from "node:http";
import type { Cancel, Clock } from "@calla/shared";

/** The body, or why there is none. */
export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: BodyFault };
/** `body-read`: somebody in front has read it and keeps it. */
export type BodyFault = "too-large" | "too-slow" | "aborted" | "body-read";

export interface BodyLimits {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly within: number;
}

/** The body of a request of Node's: by its events, which cost less than half of what an iterator does. */
export function readNodeBody(
  request: IncomingMessage,
  { clock, maxBytes, within }: BodyLimits,
): Promise<Body> {
  if (request.destroyed) return Promise.resolve({ ok: false, reason: "aborted" });
  return new Promise((resolve) => {
    const read: Buffer[] = [];
    let size = 0;
    const over = (body: Body): void => {
      cancel();
      request.off("data", more).off("end", end).off("error", abort).off("close", abort);
      // What is still coming is nobody's; its connection is cut behind the answer.
      if (!body.ok) request.on("error", () => undefined).pause();
      resolve(body);
    };
    const more = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) over({ ok: false, reason: "too-large" });
      else read.push(chunk);
    };
    const end = (): void => over({ ok: true, bytes: read.length === 1 ? read[0]! : Buffer.concat(read) });
    const abort = (): void => over({ ok: false, reason: "aborted" });
    const cancel = clock.setTimeout(() => over({ ok: false, reason: "too-slow" }), within);
    request.on("data", more).on("end", end).on("error", abort).on("close", abort);
  });
}

/** The body of a web request. What is not read of it is let go. */
export async function readBody(
  body: ReadableStream<Uint8Array> | undefined,
  { clock, maxBytes, within }: BodyLimits,
): Promise<Body> {
  if (body === undefined) return { ok: true, bytes: new Uint8Array() };
  const reader = body.getReader();
  let cancel: Cancel = () => undefined;
  const late = new Promise<"too-slow">((resolve) => {
    cancel = clock.setTimeout(() => resolve("too-slow"), within);
  });
  const read: Uint8Array[] = [];
  let size = 0;
  const refuse = (reason: BodyFault): Body => {
    reader.cancel().catch(() => undefined);
    return { ok: false, reason };
  };
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late]);
      if (next === "too-slow") return refuse(next);
      if (next.done) return { ok: true, bytes: Buffer.concat(read) };
      size += next.value.length;
      if (size > maxBytes) return refuse("too-large");
      read.push(next.value);
    }
  } catch {
    return { ok: false, reason: "aborted" };
  } finally {
    cancel();
  }
}
