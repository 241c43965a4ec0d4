// A web request and response (Hono, Deno, Bun, workers) as the transport sees them.
import { readBody } from "./body.ts";
import type { Body, BodyLimits } from "./body.ts";
import { NO_HANDS } from "./receiving.ts";
import type { RequestAsked, HttpOutcome } from "./request.ts";
import type { StreamConnection } from "./stream.ts";

export function webAsked(request: Request, remoteAddress: string | undefined): RequestAsked {
  const { pathname, search, host } = new URL(request.url);
  const headers: Record<string, string> = { host };
  for (const [name, value] of request.headers) headers[name] = value;
  return { method: request.method, url: pathname + search, headers, remoteAddress };
}

export const webBody = async (request: Request, limits: BodyLimits): Promise<Body> =>
  request.bodyUsed ? { ok: false, reason: "body-read" } : readBody(request.body ?? undefined, limits);

/** Bytes a stream holds before it counts as waiting for its reader. */
const BUFFER = 65_536;

export function webResponse(outcome: HttpOutcome, signal: AbortSignal): Response {
  if ("answer" in outcome) {
    const { status, headers, text } = outcome.answer;
    return new Response(status === 204 ? null : text, { status, headers });
  }
  let connection: StreamConnection | undefined;
  let over = false;
  const { receiving } = outcome;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (over) return;
          over = true;
          receiving.over();
          controller.close();
        };
        connection = outcome.open({
          write: (bytes) => void (over || controller.enqueue(bytes)),
          end,
          buffered: () => Math.max(0, BUFFER - (controller.desiredSize ?? BUFFER)),
        });
        const aborted = (): void => {
          end();
          connection?.gone(1006, "aborted");
        };
        if (!outcome.live) receiving.heldBy({ ...NO_HANDS, cut: aborted });
        if (signal.aborted) aborted();
        else signal.addEventListener("abort", aborted, { once: true });
      },
      pull: () => connection?.drained(),
      cancel() {
        over = true;
        receiving.over();
        connection?.gone(1006, "cancelled");
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BUFFER }),
  );
  return new Response(body, { status: 200, headers: outcome.headers });
}
