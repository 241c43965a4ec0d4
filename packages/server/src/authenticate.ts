// Who is there, by what the app's `authenticate` says of a token: at Hello, and again while a connection lives.
import { CallaError } from "@calla/shared";
import { isThenable } from "./contain.ts";
import type { ConnectRequest } from "./connection.ts";
import type { AnyUser } from "./handlers.ts";

/** Who is there? null refuses for good; a throw or rejected promise refuses for now. */
export type Authenticate<User extends AnyUser> = (asked: {
  readonly request: ConnectRequest;
  /** What the client's `token` gave; undefined without. It is the peer's: validate it. */
  readonly token: unknown;
}) => Found<User> | Promise<Found<User>>;
type Found<User extends AnyUser> = User | ExpiringUser<User> | null;

/** A user for as long as its token is good. Made by `expiring`. */
export class ExpiringUser<User extends AnyUser = AnyUser> {
  readonly user: User;
  readonly at: number;
  constructor(user: User, at: number) {
    this.user = user;
    this.at = at;
  }
}

/**
 * What `authenticate` returns where a token expires: the user, and until when (milliseconds since the epoch). The
 * client's `token` is asked for another one in time; without one the connection is closed, retryable, `token-expired`.
 *
 * @example
 * authenticate: async ({ token }) => {
 *   const { sub, exp } = await verify(token);
 *   return expiring({ id: sub }, exp * 1_000);
 * },
 */
export const expiring = <User extends AnyUser>(user: User, at: number): ExpiringUser<User> =>
  new ExpiringUser(user, at);

/** What came of asking. `expires` undefined: never. */
export type Identified =
  | { readonly ok: true; readonly user: AnyUser | null; readonly expires: number | undefined }
  | { readonly ok: false; readonly code: string; readonly retryable: boolean; readonly error?: unknown };

const failed = (error: unknown): Identified => ({
  ok: false,
  code: "authentication-failed",
  retryable: true,
  error,
});

/** At once, where `authenticate` answers at once. Never throws nor rejects. */
export function identify(
  authenticate: Authenticate<AnyUser> | undefined,
  request: ConnectRequest,
  token: unknown,
): Identified | Promise<Identified> {
  if (authenticate === undefined) return { ok: true, user: null, expires: undefined };
  try {
    const found = authenticate({ request, token });
    // Whatever has a `then` is waited for: libraries answer with thenables of their own.
    return isThenable<Found<AnyUser>>(found)
      ? Promise.resolve(found).then(known).catch(failed)
      : known(found as Found<AnyUser>);
  } catch (error) {
    return failed(error);
  }
}

function known(found: Found<AnyUser>): Identified {
  if (found === null || found === undefined) return { ok: false, code: "unauthenticated", retryable: false };
  const { user, at } = found instanceof ExpiringUser ? found : { user: found, at: undefined };
  // Without an id it would share the identities of everybody without.
  if (typeof (user as Partial<AnyUser> | null)?.id !== "string" || (at !== undefined && !(at >= 0)))
    return failed(noUser());
  return { ok: true, user, expires: at === Infinity ? undefined : at };
}

const noUser = (): CallaError =>
  new CallaError(
    "hook",
    {},
    "authenticate returned something that is no user; return { id: string, … }, expiring(user, time), or null to refuse.",
  );
