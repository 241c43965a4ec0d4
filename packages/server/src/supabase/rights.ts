// The app's hooks: who a token stands for, and who may do what on a private channel. Without a hook the answer is no, and
// the operator is told once what to write. What a hook throws is thrown.
import { CallaError } from "@calla/shared";
import type { Report } from "../base/contain.ts";
import type { RightAsked, SupabaseOptions, TokenAsked } from "./supabase-api.ts";

type Hooks = Pick<SupabaseOptions, "authenticate" | "mayRead" | "mayWrite">;
type Hook = keyof Hooks;

/** UTF-16 units: a channel keeps its token. */
const LONGEST_TOKEN = 16_384;

/** A client's token was refused. */
export const REFUSED = Symbol("refused");

const CURES: Readonly<Record<Hook, string>> = {
  authenticate:
    "A client gave an access token, and nobody reads it: write supabase(channels, { authenticate }), which says who it stands for. Until then clients have no user.",
  mayRead:
    "A client asked for a private channel, and nobody says who may: write supabase(channels, { mayRead }). Until then every private channel is refused.",
  mayWrite:
    "A client said something on a private channel, and nobody says who may: write supabase(channels, { mayWrite }). Until then nobody may.",
};

export class Rights {
  readonly #hooks: Hooks;
  readonly #report: Report;
  readonly #told = new Set<Hook>();

  /** @throws CallaError `wiring`: a hook is no function. */
  constructor(hooks: Hooks, report: Report) {
    for (const name of ["authenticate", "mayRead", "mayWrite"] as const)
      if (hooks[name] !== undefined && typeof hooks[name] !== "function")
        throw new CallaError("wiring", { [name]: true }, `supabase(channels, { ${name} }) takes a function.`);
    this.#hooks = hooks;
    this.#report = report;
  }

  /** Whether private channels can be joined at all. */
  get served(): boolean {
    return this.#hooks.mayRead !== undefined;
  }

  /** Who a token stands for. undefined: nobody, for none is read. */
  async user(asked: TokenAsked): Promise<unknown> {
    const { authenticate } = this.#hooks;
    if (asked.token.length > LONGEST_TOKEN) return REFUSED;
    if (authenticate === undefined) return this.#tell("authenticate");
    return (await authenticate(asked)) ?? REFUSED;
  }

  async mayRead(asked: RightAsked): Promise<boolean> {
    const { mayRead } = this.#hooks;
    if (mayRead === undefined) this.#tell("mayRead");
    return (await mayRead?.(asked)) === true;
  }

  async mayWrite(asked: RightAsked): Promise<boolean> {
    const { mayWrite } = this.#hooks;
    if (mayWrite === undefined) this.#tell("mayWrite");
    return (await mayWrite?.(asked)) === true;
  }

  #tell(hook: Hook): void {
    if (this.#told.has(hook)) return;
    this.#told.add(hook);
    this.#report(new CallaError("wiring", { hook }, CURES[hook]));
  }
}

/** When a user's token ends, in milliseconds since the epoch. */
export function expiryOf(user: unknown): number | undefined {
  const exp = (user as { readonly exp?: unknown } | undefined)?.exp;
  return typeof exp === "number" ? exp * 1_000 : undefined;
}

/** Whether a user's token has ended. */
export function isOver(user: unknown, now: number): boolean {
  const at = expiryOf(user);
  // Of what is no time nobody knows that it is still to come.
  return at !== undefined && !(at > now);
}

/** As supabase's server words it; clients show it. */
export const unauthorized = (what: "read from" | "write to", topic: string): string =>
  `Unauthorized: You do not have permissions to ${what} this Channel topic: ${topic}`;
