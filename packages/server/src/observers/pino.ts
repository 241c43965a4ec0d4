// Events as lines of a log, for pino and whatever takes its calls.
import type { Observe, ServerEvent } from "../app/events.ts";

/** As much of a pino logger as is used. */
export interface PinoLike {
  /** What every message causes. */
  debug(fields: object, text: string): void;
  /** Clients that connect and leave, and what expires. */
  info(fields: object, text: string): void;
  /** Refusals, limits, slow consumers, an append that failed, a restart. */
  warn(fields: object, text: string): void;
  /** What the app's code or a storage threw, as `err`; a supervisor that has given up. */
  error(fields: object, text: string): void;
}

const LEVELS: { readonly [type in ServerEvent["type"]]: keyof PinoLike } = {
  connected: "info",
  disconnected: "info",
  refused: "warn",
  limited: "warn",
  paused: "debug",
  slow: "warn",
  "caught-up": "info",
  appended: "debug",
  created: "debug",
  expired: "info",
  resync: "debug",
  error: "error",
  "socket-connected": "info",
  "socket-disconnected": "info",
  "channel-joined": "debug",
  "channel-left": "debug",
  "channel-refused": "warn",
  restarted: "warn",
  "gave-up": "error",
};

/**
 * An observer that writes every event to a logger: refusals, limits and slow consumers as warnings, comings and goings
 * as info, what every message causes as debug, errors (as `err`) as errors. An append that failed is a warning.
 *
 * @example
 * const server = createServer({ wiring, serialiser, observe: pinoObserver(pino()) });
 */
export const pinoObserver =
  (logger: PinoLike): Observe =>
  (event) => {
    if (event.type === "error") return logger.error({ err: event.error }, "calla: error");
    const level = event.type === "appended" && event.failed ? "warn" : LEVELS[event.type];
    const { type, ...fields } = event;
    logger[level](fields, `calla: ${type}`);
  };
