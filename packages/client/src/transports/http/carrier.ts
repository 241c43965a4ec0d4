// Requests of the HTTP transport: streams by the `eventsource` package, over a `fetch` of ours so that it can POST, in
// browsers and in Node; POSTs by fetch itself.
import type { Format } from "@calla/shared";
import { EventSource } from "eventsource";
import type { HttpCarrier, PostAnswer } from "./link.ts";

export type Fetch = (url: string | URL, init: RequestInit) => Promise<Response>;

const NONE: PostAnswer = { status: 0, events: [] };
const COMMENT = 58; // ":"

export function httpCarrier(
  url: string,
  { name }: Pick<Format, "name">,
  fetch: Fetch,
  credentials: RequestCredentials,
): HttpCarrier {
  const headers = { "content-type": `application/calla.${name}` };
  const request = (body: string | Uint8Array): RequestInit => ({
    method: "POST",
    body: body as string | Uint8Array<ArrayBuffer>,
    cache: "no-store",
    credentials,
  });
  return {
    stream(body, handlers) {
      let over = false;
      const source = new EventSource(url, {
        async fetch(address, init) {
          const response = await fetch(address, {
            ...request(body),
            headers: { ...headers, accept: "text/event-stream" },
            signal: init.signal as AbortSignal,
          });
          return response.ok ? overheard(response, handlers.alive) : response;
        },
      });
      const close = (): void => {
        over = true;
        // Behind the event that is being told: only then is its timer for the next attempt set, which is not wanted.
        queueMicrotask(() => source.close());
      };
      source.addEventListener("message", ({ data }) => void (over || handlers.data(String(data))));
      source.addEventListener("error", ({ code, message }) => {
        if (over) return;
        close();
        handlers.end(code ?? 0, message ?? "ended");
      });
      return close;
    },
    post(body) {
      const aborting = new AbortController();
      return {
        abort: () => aborting.abort(),
        answer: fetch(url, {
          ...request(body),
          headers: { ...headers, accept: headers["content-type"] },
          signal: aborting.signal,
        }).then(read, () => NONE),
      };
    },
  };
}

/** The same response, whose comments can be heard; the package passes them over. */
function overheard(response: Response, alive: () => void): Response {
  const listening = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (chunk[0] === COMMENT) alive();
      controller.enqueue(chunk);
    },
  });
  const { status, headers, body } = response;
  return new Response(body?.pipeThrough(listening), { status, headers });
}

async function read(response: Response): Promise<PostAnswer> {
  const { status, headers } = response;
  try {
    if (status === 413 || status === 400 || status === 422)
      return { status, events: [], ...(await refusalOf(response)) };
    // The login page of a network answers 200, too.
    const ours = headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (status !== 200 || !ours) return { status: status === 200 ? 0 : status, events: [] };
    return { status, events: eventsOf(await response.text()) };
  } catch {
    return NONE;
  }
}

async function refusalOf(response: Response): Promise<Pick<PostAnswer, "code" | "maxBytes">> {
  try {
    const { code, maxBytes } = (await response.json()) as { code?: unknown; maxBytes?: unknown };
    if (typeof code !== "string") return {};
    return { code, ...(typeof maxBytes === "number" && maxBytes > 0 ? { maxBytes } : {}) };
  } catch {
    return {}; // somebody else's
  }
}

/** The data of each whole event. */
const eventsOf = (text: string): string[] =>
  text
    .split("\n\n")
    .slice(0, -1)
    .map((event) =>
      event
        .split("\n")
        .filter((line) => line.startsWith("data: "))
        .map((line) => line.slice(6))
        .join("\n"),
    )
    .filter((data) => data !== "");
