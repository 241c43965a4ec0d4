// Disconnecting one client by its id, as the app asks for it and as nodes tell each other. Whether it may return is
// decided by `authenticate` and `reauthorise`: nothing is remembered here.
import { CallaError } from "@calla/shared";
import type { AppCode } from "@calla/shared";
import type { ConnectionEnd } from "../base/ending.ts";

/** What a client that is sent away hears. */
export interface DisconnectOptions {
  /**
   * The app's own reason: letters, digits, "-" and "_", 64 at most. The client's app meets it as `status.reason`, marked as
   * the app's: `app:replaced-by-admin`. Without one it is `disconnected`.
   */
  readonly code?: string;
  /** Whether the client comes back by itself. Default false: it stays `closed` until the app connects it again. */
  readonly retryable?: boolean;
  /** Milliseconds within which one that comes back does so, at a moment of its own choosing. Default 0. */
  readonly within?: number;
}

export interface Kick extends Required<Omit<DisconnectOptions, "code">> {
  readonly clientId: string;
  readonly code: DisconnectedCode;
}

type DisconnectedCode = AppCode | "disconnected";

const CODE = /^(app:[\w-]{1,64}|disconnected)$/;

/** @throws CallaError `wiring`: what was given is no client id, code or time. */
export function kickOf(clientId: string, options: DisconnectOptions): Kick {
  const { code, retryable = false, within = 0 } = options;
  const kick = { clientId, code: code === undefined ? "disconnected" : `app:${code}`, retryable, within };
  if (isKick(kick)) return kick;
  throw new CallaError(
    "wiring",
    { code, retryable, within },
    'disconnect wants a clientId, a code of letters, digits, "-" and "_" (64 at most) and milliseconds from 0.',
  );
}

export function isKick(value: unknown): value is Kick {
  if (typeof value !== "object" || value === null) return false;
  const { clientId, code, retryable, within } = value as { readonly [field: string]: unknown };
  return (
    typeof clientId === "string" &&
    clientId !== "" &&
    typeof code === "string" &&
    CODE.test(code) &&
    typeof retryable === "boolean" &&
    Number.isSafeInteger(within) &&
    (within as number) >= 0
  );
}

interface One {
  readonly phase: string;
  readonly clientId: string;
  end(end: ConnectionEnd, within: number): void;
}

export interface KickedFrom<C extends One> {
  readonly connections: ReadonlySet<C>;
  readonly packets: ReadonlySet<C>;
}

/** Ends all that the client has here: its page's connection, one that sends what it left behind, polls, packets. How many. */
export function kickHere<C extends One>(
  here: KickedFrom<C>,
  { clientId, code, retryable, within }: Kick,
): number {
  const ended = [...here.connections, ...here.packets].filter(
    (one) => one.phase === "open" && one.clientId === clientId,
  );
  for (const one of ended) one.end({ code, retryable }, within);
  return ended.length;
}
