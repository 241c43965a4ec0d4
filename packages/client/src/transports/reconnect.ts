// How attempts follow each other: lily's options, shared by the transports.
import { checkReconnect } from "#dev/mistakes";
import type { ReconnectOptions } from "./transport.ts";

export interface ReconnectSettings {
  /** 1,000 ms. */
  readonly reconnectBaseMilliseconds?: number;
  /** 30,000 ms. */
  readonly reconnectMaxMilliseconds?: number;
  /** 2. */
  readonly reconnectMultiplier?: number;
  /** ± 0.25 of each delay. */
  readonly reconnectJitterRatio?: number;
}

/** @throws CallaError `transport`: impossible. */
export function reconnectOptions(options: ReconnectSettings): ReconnectOptions {
  const {
    reconnectBaseMilliseconds: baseMilliseconds = 1_000,
    reconnectMaxMilliseconds: maxMilliseconds = 30_000,
    reconnectMultiplier: multiplier = 2,
    reconnectJitterRatio: jitterRatio = 0.25,
  } = options;
  const reconnect = { baseMilliseconds, maxMilliseconds, multiplier, jitterRatio };
  checkReconnect(reconnect);
  return reconnect;
}
