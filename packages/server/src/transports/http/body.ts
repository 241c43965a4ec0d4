// Reads a request's body up to a limit, in the time given for it.
import type { IncomingMessage } from "node:http";
import type { Cancel, Clock } from "@calla/shared";
import type { Receiving } from "./receiving.ts";

/** The body, or why there is none. */
export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: BodyFault };
/** `body-read`: somebody in front has read it and keeps it. */
export type BodyFault = "too-large" | "too-slow" | "aborted" | "body-read" | "busy";

export interface BodyLimits {
  readonly clock: Clock;
  readonly maxBytes: number;
  /** For which it is read: pauses do not count. */
  readonly within: number;
  readonly receiving: Receiving;
}

/** The body of a request of Node's: by its events, which cost less than half of what an iterator does. */
export function readNodeBody(
  request: IncomingMessage,
  { clock, maxBytes, within, receiving }: BodyLimits,
): Promise<Body> {
  if (request.destroyed) return Promise.resolve({ ok: false, reason: "aborted" });
  return new Promise((resolve) => {
    const read: Buffer[] = [];
    let size = 0;
    let cancel: Cancel = () => undefined;
    let done = false;
    const over = (body: Body): void => {
      if (done) return;
      done = true;
      cancel();
      request.off("data", more).off("end", end).off("error", abort).off("close", abort);
      // Nobody reads what is still coming; its connection is cut behind the answer.
      if (!body.ok) request.on("error", () => undefined).pause();
      resolve(body);
    };
    const more = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) return over({ ok: false, reason: "too-large" });
      read.push(chunk);
      receiving.read(chunk.length);
    };
    let paused = false;
    let ended = false;
    const whole = (): void => over({ ok: true, bytes: read.length === 1 ? read[0]! : Buffer.concat(read) });
    // Node tells of the end of what is paused, too.
    const end = (): void => {
      ended = true;
      if (!paused) whole();
    };
    const abort = (): void => {
      if (!ended) over({ ok: false, reason: "aborted" });
    };
    const wait = (): void => {
      cancel = clock.setTimeout(() => over({ ok: false, reason: "too-slow" }), within);
    };
    wait();
    receiving.heldBy({
      pause() {
        if (done) return;
        paused = true;
        cancel();
        request.pause();
      },
      resume() {
        if (done) return;
        paused = false;
        if (ended) return whole();
        wait();
        request.resume();
      },
      cut: () => over({ ok: false, reason: "busy" }),
    });
    if (done) return;
    request.on("data", more).on("end", end).on("error", abort).on("close", abort);
  });
}

/** The body of a web request. What is not read of it is discarded. */
export async function readBody(
  body: ReadableStream<Uint8Array> | undefined,
  { clock, maxBytes, within, receiving }: BodyLimits,
): Promise<Body> {
  if (body === undefined) return { ok: true, bytes: new Uint8Array() };
  const reader = body.getReader();
  let cancel: Cancel = () => undefined;
  let fail!: (reason: BodyFault) => void;
  const failed = new Promise<BodyFault>((resolve) => (fail = resolve));
  const wait = (): void => {
    cancel = clock.setTimeout(() => fail("too-slow"), within);
  };
  /** While it is paused nothing more is asked for. */
  let pausing = Promise.resolve();
  let go: () => void = () => undefined;
  wait();
  receiving.heldBy({
    pause() {
      cancel();
      pausing = new Promise((resolve) => (go = resolve));
    },
    resume() {
      wait();
      go();
    },
    cut: () => fail("busy"),
  });
  const read: Uint8Array[] = [];
  let size = 0;
  const refuse = (reason: BodyFault): Body => {
    reader.cancel().catch(() => undefined);
    return { ok: false, reason };
  };
  try {
    for (;;) {
      await Promise.race([pausing, failed]);
      const next = await Promise.race([reader.read(), failed]);
      if (typeof next === "string") return refuse(next);
      if (next.done) return { ok: true, bytes: Buffer.concat(read) };
      size += next.value.length;
      if (size > maxBytes) return refuse("too-large");
      read.push(next.value);
      receiving.read(next.value.length);
    }
  } catch {
    return { ok: false, reason: "aborted" };
  } finally {
    cancel();
  }
}
