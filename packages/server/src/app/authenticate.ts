// Which user a client is, by the app's `authenticate`: at Hello, and again while a connection lives.
import { CallaError } from "@calla/shared";
import type { Clock, Limits } from "@calla/shared";
import { Asker, Check, AppChecks, Shown } from "./app-checks.ts";
import type { Question, Unanswered } from "./app-checks.ts";
import type { ConnectRequest } from "../base/connection.ts";
import type { AnyUser } from "./handlers.ts";

/**
 * Who is there? null refuses for good; a throw or rejected promise refuses for now. So many calls are under way at a
 * time (`limits.maxAuthentications`), the others wait for their turn.
 */
export type Authenticate<User extends AnyUser> = (asked: {
  readonly request: ConnectRequest;
  /** What the client's `token` gave; undefined without. It is the peer's: validate it. */
  readonly token: unknown;
  /**
   * Aborted when the connection has gone, or when `limits.helloTimeout` has passed: the answer does not count then.
   * It is made when it is first read.
   */
  readonly signal: AbortSignal;
}) => FoundUser<User> | Promise<FoundUser<User>>;
type FoundUser<User extends AnyUser> = User | ExpiringUser<User> | null;

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

type UnidentifiedCode = "authentication-failed" | "busy" | "unauthenticated";
/** What came of asking. `expires` undefined: never. */
export type Identified =
  | { readonly ok: true; readonly user: AnyUser | null; readonly expires: number | undefined }
  | {
      readonly ok: false;
      readonly code: UnidentifiedCode;
      readonly error?: unknown;
    };

/** Whom a question is about: a connection, or a packet that speaks for itself. */
export interface Arriving {
  readonly request: ConnectRequest;
  readonly address: string | undefined;
  /** Its calls of authenticate; made when first needed. */
  authenticating: Asker | undefined;
}

export interface AuthenticatorOptions {
  readonly authenticate: Authenticate<AnyUser> | undefined;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly report: (error: unknown) => void;
  /** Called where some wait longer than they may (`maxAuthentications`): observers lie above this file. */
  readonly crowded?: () => void;
}

/** The app's `authenticate`, so many at a time. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #checks: AppChecks;

  constructor(options: AuthenticatorOptions) {
    const { clock, limits, crowded } = options;
    this.#options = options;
    this.#checks = new AppChecks({
      clock,
      ofOne: 1,
      ofAll: limits.maxAuthentications,
      within: limits.helloTimeout,
      ...(crowded && { crowded }),
    });
  }

  /** At once, where `authenticate` answers at once. Never throws nor rejects. */
  identify(who: Arriving, token: unknown): Identified | Promise<Identified> {
    if (this.#options.authenticate === undefined) return { ok: true, user: null, expires: undefined };
    const { authenticate } = this.#options;
    who.authenticating ??= new Asker(who.address ?? "");
    const shown = new AuthenticationAsked(who.request, token);
    const found = this.#checks.ask(who.authenticating, new WhoIs(this.#options, authenticate, shown));
    return found instanceof Check ? found.answer : found;
  }

  /** It is gone: nobody needs to know who it was. */
  left(who: Arriving): void {
    this.#checks.left(who.authenticating);
  }
}

/** What authenticate is shown. */
class AuthenticationAsked extends Shown {
  readonly request: ConnectRequest;
  readonly token: unknown;
  constructor(request: ConnectRequest, token: unknown) {
    super();
    this.request = request;
    this.token = token;
  }
}

class WhoIs implements Question<Identified> {
  readonly shown: AuthenticationAsked;
  readonly #options: AuthenticatorOptions;
  readonly #authenticate: Authenticate<AnyUser>;

  constructor(
    options: AuthenticatorOptions,
    authenticate: Authenticate<AnyUser>,
    shown: AuthenticationAsked,
  ) {
    this.#options = options;
    this.#authenticate = authenticate;
    this.shown = shown;
  }

  ask(): unknown {
    return this.#authenticate(this.shown);
  }
  said(answer: unknown): Identified {
    return known(answer as FoundUser<AnyUser>);
  }
  failed(error: unknown): Identified {
    return failed(error);
  }
  unanswered(why: Unanswered): Identified {
    if (why !== "late") return { ok: false, code: "busy" };
    const { helloTimeout } = this.#options.limits;
    return this.failed(
      new CallaError(
        "hook",
        { hook: "authenticate" },
        `authenticate has not answered within ${helloTimeout} ms (limits.helloTimeout).`,
      ),
    );
  }
  report(error: unknown): void {
    this.#options.report(error);
  }
}

const failed = (error: unknown): Identified => ({
  ok: false,
  code: "authentication-failed",
  error,
});

function known(found: FoundUser<AnyUser>): Identified {
  if (found === null || found === undefined) return { ok: false, code: "unauthenticated" };
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
