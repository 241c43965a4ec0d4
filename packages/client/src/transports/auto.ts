// WebSocket where it works, HTTP where it does not: in the same attempt, before anything but the Hello was sent, so the
// switch loses and doubles nothing. That HTTP was needed is remembered for the browser's session, and later a WebSocket
// is tried again. Not here: either of the two.
import { CallaError, DEV } from "@calla/shared";
import type { Cancel, Clock, ConnectionCode } from "@calla/shared";
import { fellBack } from "#dev/mistakes";
import { systemClock } from "../base/clock.ts";
import { CLOSE_RETRYABLE, CLOSE_TERMINAL } from "./transport.ts";
import type { Link, Transport, TransportHandlers } from "./transport.ts";

/** What `auto` takes: the two transports, and how long it tries the first. */
export interface AutoOptions {
  readonly webSocket: Transport;
  readonly http: Transport;
  /** Milliseconds within which a WebSocket has to open and to answer the Hello: 3,000. */
  readonly silence?: number;
  /** Milliseconds on HTTP before a WebSocket is tried again: 60,000, each time twice as long, up to 16 times. Infinity: never. */
  readonly retryAfter?: number;
  /** Where it is remembered that HTTP was needed: the page's sessionStorage. null: nowhere. */
  readonly memory?: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  } | null;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock;
}

const KEY = "calla-http-until";
const MOST_RETRIES = 4;

/**
 * Both transports, the better one that works.
 *
 * @example
 * createClient({ wiring, serialiser, transport: auto({ webSocket: webSocket({ url: "/ws" }), http: http({ url: "/calla" }) }) });
 * @throws CallaError `transport`: an option is impossible.
 */
export function auto(options: AutoOptions): Transport {
  const { webSocket, http, silence = 3_000, retryAfter = 60_000, clock = systemClock } = options;
  if (!(silence > 0 && retryAfter > 0))
    throw new CallaError("transport", { silence, retryAfter }, DEV && "auto() wants times above 0.");
  const memory = remembered(options.memory);
  let failures = 0;

  const failed = (): void => memory.set(clock.now() + retryAfter * 2 ** Math.min(failures++, MOST_RETRIES));

  /** Milliseconds for which HTTP is to be used without a try. */
  const rest = (): number => {
    const left = Number(memory.get() ?? 0) - clock.now();
    // No more than was ever meant: a clock may have been put back.
    return left > 0 ? Math.min(left, retryAfter * 2 ** MOST_RETRIES) : 0;
  };

  function connect(handlers: TransportHandlers, format: Parameters<Transport["connect"]>[1]): Link {
    let over = false;
    let link: Link;
    let probe: Link | undefined;
    let timer: Cancel | undefined;
    const leave = (): void => {
      over = true;
      timer?.();
      probe?.close();
    };

    /** `fallen`: a WebSocket has just failed. That HTTP gets through where it did not is worth remembering. */
    function viaHttp(fallen: boolean): void {
      let heard = false;
      link = http.connect(
        {
          open: handlers.open,
          receive(data) {
            if (!heard) {
              heard = true;
              if (fallen) failed();
              timer = clock.setTimeout(tryAgain, rest());
            }
            handlers.receive(data);
          },
          close(reason) {
            leave();
            handlers.close(reason);
          },
        },
        format,
      );
    }

    function tryAgain(): void {
      let gone = false;
      const lost = (): void => {
        if (gone || over) return;
        gone = true;
        timer?.();
        failed();
        timer = clock.setTimeout(tryAgain, rest());
      };
      // One that neither opens nor ends would be the last.
      timer = clock.setTimeout(() => {
        probe?.close();
        lost();
      }, silence);
      probe = webSocket.connect(
        {
          open() {
            if (gone) return;
            // It opens by now: come back with it. What waits for an outcome is sent again and known by its mid.
            leave();
            memory.clear();
            link.close();
            handlers.close({ code: CLOSE_RETRYABLE, reason: "upgrade" satisfies ConnectionCode });
          },
          receive: () => undefined,
          close: lost,
        },
        format,
      );
    }

    function viaWebSocket(): void {
      let heard = false;
      let fallen = false;
      const fall = (): void => {
        if (fallen || over) return;
        fallen = true;
        timer?.();
        link.close();
        viaHttp(true);
      };
      timer = clock.setTimeout(fall, silence);
      link = webSocket.connect(
        {
          open: () => fallen || handlers.open(),
          receive(data) {
            if (!heard) {
              heard = true;
              failures = 0;
              timer?.();
              memory.clear();
            }
            handlers.receive(data);
          },
          close(reason) {
            if (fallen) return;
            // Who must not retry must not try another way either.
            if (!heard && reason.code !== CLOSE_TERMINAL) {
              fellBack(options, reason.cause);
              return fall();
            }
            leave();
            handlers.close(reason);
          },
        },
        format,
      );
    }

    if (rest() > 0) viaHttp(false);
    else viaWebSocket();
    return {
      send: (data) => link.send(data),
      close(gone) {
        leave();
        link.close(gone);
      },
    };
  }
  return { reconnect: webSocket.reconnect, connect };
}

/** What is kept in a storage that may be missing, full or forbidden; then in this page alone. */
function remembered(given: AutoOptions["memory"]) {
  let here: string | null = null;
  const page = (): AutoOptions["memory"] =>
    given === undefined ? (globalThis as { sessionStorage?: globalThis.Storage }).sessionStorage : given;
  const attempt = <T>(use: (memory: NonNullable<AutoOptions["memory"]>) => T): T | undefined => {
    try {
      const memory = page();
      return memory ? use(memory) : undefined;
    } catch {
      return undefined; // even looking at it may throw
    }
  };
  return {
    get: (): string | null => attempt((memory) => memory.getItem(KEY)) ?? here,
    set(until: number): void {
      here = String(until);
      attempt((memory) => memory.setItem(KEY, String(until)));
    },
    clear(): void {
      here = null;
      attempt((memory) => memory.removeItem(KEY));
    },
  };
}
