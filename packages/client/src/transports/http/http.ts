// HTTP with server-sent events, in browsers and in Node, where no WebSocket gets through. The same frames and
// guarantees; nothing secret is ever in a URL.
import { CallaError, DEV, messageOf } from "@calla/shared";
import type { Clock } from "@calla/shared";
import { checkUrl, reached, unanswered } from "#dev/mistakes";
import { systemClock } from "../../base/clock.ts";
import { onPageEnd } from "../../base/page-events.ts";
import { httpCarrier } from "./carrier.ts";
import type { Fetch } from "./carrier.ts";
import { httpLink } from "./link.ts";
import type { HttpMemory, StreamSlots } from "./link.ts";
import { boundless, streamSlots } from "./slots.ts";
import type { SlotLocks } from "./slots.ts";
import { fromPage } from "../page.ts";
import { reconnectOptions } from "../reconnect.ts";
import type { ReconnectSettings } from "../reconnect.ts";
import type { Link, Transport } from "../transport.ts";

/** What `http` takes in a client; only `url` is needed. Times are milliseconds. */
export interface HttpOptions extends ReconnectSettings {
  /** Absolute, or relative to the page ("/calla"). A function is asked before every attempt. */
  readonly url: string | (() => string | Promise<string>);
  /** Messages in one POST: 10, or as many as are 64 KB, whichever is more; never more than the server allows. */
  readonly flushBatchSize?: number;
  /** Milliseconds between the questions of a tab without a stream: 3,000. */
  readonly pollInterval?: number;
  /** Tabs of one origin that hold a stream over HTTP/1.1: 2. With 0 every one polls, everywhere. */
  readonly maxStreams?: number;
  /** Milliseconds until a POST without an answer counts as lost: 15,000. */
  readonly postTimeout?: number;
  /** Milliseconds until a stream without an answer counts as held back by a proxy, and polls take its place: 3,000. */
  readonly silence?: number;
  /** Whether cookies go along: "same-origin". To another origin "include", and `credentials` at the server. */
  readonly credentials?: "omit" | "same-origin" | "include";
  /** In place of the global one. */
  readonly fetch?: (url: string | URL, init: RequestInit) => Promise<Response>;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * The HTTP transport.
 *
 * @example
 * createClient({ wiring, serialiser, transport: http({ url: "/calla" }) });
 * @throws CallaError `transport`: an option is impossible.
 */
export function http(options: HttpOptions): Transport {
  const { url, flushBatchSize = 10, pollInterval = 3_000, maxStreams = 2 } = options;
  const { postTimeout = 15_000, silence = 3_000 } = options;
  if (!(flushBatchSize >= 1 && pollInterval > 0 && maxStreams >= 0 && postTimeout > 0 && silence > 0))
    throw new CallaError(
      "transport",
      options,
      DEV && "http() wants flushBatchSize ≥ 1, maxStreams ≥ 0, and times above 0.",
    );
  checkUrl(url, "http");
  const memory: HttpMemory = { pollUntil: 0, unsendable: new Map(), tracks: new Map() };
  return {
    reconnect: reconnectOptions(options),
    connect(handlers, format) {
      let link: Link | undefined;
      let over = false;
      const stopHearing = onPageEnd(() => link?.close(true));
      const open = (address: string): void => {
        if (over) return;
        checkUrl(address, "http");
        const absolute = /^https?:/i.test(address) ? new URL(address).href : fromPage(address).href;
        // Looked up at each attempt, and called as the global's own.
        const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
        link = httpLink({
          carrier: httpCarrier(absolute, format, fetch, options.credentials ?? "same-origin"),
          slots: slotsFor(absolute, maxStreams),
          clock: options.clock ?? systemClock,
          handlers,
          format,
          flushBatchSize,
          pollInterval,
          postTimeout,
          silence,
          memory,
          met: () => reached(options),
          causeOf: (status, said) => unanswered(options, format, absolute, said, status),
        });
      };
      // Never before `connect` has returned, and whatever a callback throws is this attempt's end.
      Promise.resolve()
        .then(() => (typeof url === "function" ? url() : url))
        .then(open)
        .catch((error: unknown) => {
          const reason = messageOf(error);
          if (!over) handlers.close({ code: 1006, reason, cause: error });
        });
      return {
        send: (data) => link?.send(data),
        close(gone) {
          over = true;
          stopHearing();
          link?.close(gone);
        },
      };
    },
  };
}

/** Only tabs share their connections; where a browser has no Web Locks every tab takes its chance. */
function slotsFor(url: string, most: number): StreamSlots {
  if (most === 0) return { take: () => Promise.resolve(undefined) };
  const { document, navigator } = globalThis as { document?: object; navigator?: { locks?: SlotLocks } };
  const locks = document === undefined ? undefined : navigator?.locks;
  return locks === undefined ? boundless : streamSlots(new URL(url).origin, most, locks);
}
