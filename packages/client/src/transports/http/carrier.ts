// Requests of the HTTP transport, by `fetch`, in browsers and in Node. A stream is a POST too, so the browser's own
// EventSource will not do; what comes is read by the parser of the `eventsource` package.
import { messageOf } from "@calla/shared";
import type { Format } from "@calla/shared";
import { createParser } from "eventsource-parser";
import type { HttpCarrier, PostAnswer } from "./link.ts";

export type Fetch = (url: string | URL, init: RequestInit) => Promise<Response>;

const NONE: PostAnswer = { status: 0, events: [] };

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
      const aborting = new AbortController();
      let over = false;
      const close = (): void => {
        over = true;
        aborting.abort();
      };
      const end = (status: number, reason: string): void => {
        if (over) return;
        close();
        handlers.end(status, reason);
      };
      const parser = createParser({
        onEvent: ({ data }) => over || handlers.data(data),
        onComment: () => over || handlers.alive(),
      });
      async function listen(): Promise<void> {
        const response = await fetch(url, {
          ...request(body),
          headers: { ...headers, accept: STREAM },
          signal: aborting.signal,
        });
        const { status } = response;
        if (status !== 200) return end(status, `HTTP ${status}`);
        // The login page of a network answers 200, too.
        const reader = isStream(response) ? response.body?.getReader() : undefined;
        if (!reader) return end(status, `no ${STREAM}`);
        const text = new TextDecoder();
        for (;;) {
          const { done, value } = await reader.read();
          if (done || over) return end(0, "ended");
          parser.feed(text.decode(value, { stream: true }));
        }
      }
      listen().catch((error: unknown) => end(0, textOf(error)));
      return close;
    },
    post(body, last) {
      const aborting = new AbortController();
      return {
        abort: () => aborting.abort(),
        answer: fetch(url, {
          ...request(body),
          headers: { ...headers, accept: headers["content-type"] },
          ...(last ? { keepalive: true } : {}),
          signal: aborting.signal,
        }).then(read, () => NONE),
      };
    },
  };
}

const STREAM = "text/event-stream";
const isStream = ({ headers }: Response): boolean => headers.get("content-type")?.startsWith(STREAM) === true;

/** Node says why in the causes of an error, and of an address that several were tried of in a list. */
function textOf(error: unknown): string {
  const { errors, cause } = Object(error) as { readonly errors?: unknown; readonly cause?: unknown };
  if (Array.isArray(errors)) return errors.map(textOf).join(", ");
  if (typeof cause === "object" && cause !== null) return `${String(error)}: ${textOf(cause)}`;
  return messageOf(error);
}

async function read(response: Response): Promise<PostAnswer> {
  const { status } = response;
  try {
    if (status === 413 || status === 400 || status === 422)
      return { status, events: [], ...(await refusalOf(response)) };
    if (status !== 200 || !isStream(response)) return { status: status === 200 ? 0 : status, events: [] };
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
