// What a Hello comes to: refused, or an identity. Protocol and slice versions first, then the user, then the client.
import { DEFAULT_DECODE_LIMITS, PROTOCOL_VERSION } from "@calla/shared";
import type { ClientFrames, ServerFrame, ServerFrames } from "@calla/shared";
import type { Arriving, Authenticator, Identified } from "../app/authenticate.ts";
import { brief } from "../base/brief.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { AnyUser } from "../app/handlers.ts";
import { generateClientId, signIdentity, verifyIdentity } from "../identity/signed-identity.ts";

export type Greeting =
  | {
      readonly ok: true;
      readonly user: AnyUser | null;
      /** Until when its token is good. */
      readonly expires: number | undefined;
      readonly clientId: string;
      /** The client was never seen: it presented no identity, or none that was taken. */
      readonly fresh: boolean;
      /** The answer. Made when asked for: a packet that speaks for itself gets none. */
      connected(spread: number): ServerFrame;
    }
  | Extract<Identified, { ok: false }>
  | { readonly ok: false; readonly code: "storage"; readonly error: unknown }
  /** `last`: the frame that says why, before the close. */
  | { readonly ok: false; readonly code: "version"; readonly last: ServerFrames["Version"] };

/**
 * A secret with this share of its life left is not renewed: of a thousand that come back at once none has to be signed,
 * sent and stored anew.
 */
const KEEP_WHILE = 31 / 32;

export interface GreetingOptions {
  readonly context: ServerContext;
  readonly authenticating: Authenticator;
  secret(): Uint8Array | Promise<Uint8Array>;
}

/** At once, where nothing has to be waited for. Never throws nor rejects. */
export function greet(
  { context, authenticating, secret }: GreetingOptions,
  hello: ClientFrames["Hello"],
  who: Arriving,
): Greeting | Promise<Greeting> {
  const differs = versionDiffers(context, hello);
  if (differs !== undefined) return differs;
  const signed = (identified: Identified): Greeting | Promise<Greeting> => {
    if (!identified.ok) return identified;
    const key = secret();
    if (!(key instanceof Promise)) return greeting(context, hello, identified, key);
    return key.then(
      (had) => greeting(context, hello, identified, had),
      (error: unknown) => ({ ok: false, code: "storage", error }),
    );
  };
  const identified = authenticating.identify(who, hello.token);
  return identified instanceof Promise ? identified.then(signed) : signed(identified);
}

function greeting(
  context: ServerContext,
  hello: ClientFrames["Hello"],
  { user, expires }: Extract<Identified, { ok: true }>,
  key: Uint8Array,
): Greeting {
  const userId = user?.id ?? null;
  const now = context.clock.now();
  const known =
    hello.identity && verifyIdentity(hello.identity.clientId, userId, hello.identity.secret, key, now);
  const clientId = known?.ok === true ? hello.identity!.clientId : generateClientId(context.random);
  const refused = refusedAs(known);
  const { identityLifetime, maxInFlight } = context.limits;
  const left = known?.ok === true ? known.expires - now : 0;
  const renews = left > identityLifetime || left < identityLifetime * KEEP_WHILE;
  if (refused === "foreign") {
    const details = { claimed: brief(hello.identity?.clientId ?? "") };
    context.refused({ code: refused, clientId, userId, target: undefined, details });
  }
  return {
    ok: true,
    user,
    expires,
    clientId,
    fresh: known?.ok !== true,
    connected: (spread) => ({
      type: "Connected",
      clientId,
      ...(renews ? { secret: signIdentity({ clientId, userId, expires: now + identityLifetime }, key) } : {}),
      userId,
      now,
      ...(refused === undefined ? {} : { refused }),
      maxInFlight,
      ...takenOf(context.limits),
      ...(spread > 0 ? { spread } : {}),
    }),
  };
}

/** Said where they are not the defaults, which every client knows. `Infinity` is no count. */
function takenOf(limits: ServerContext["limits"]): Pick<ServerFrames["Connected"], "limits"> {
  const told = (["maxFrameBytes", "maxEntries", "maxValues", "maxNames"] as const).map(
    (name) => [Math.min(limits[name], Number.MAX_SAFE_INTEGER), DEFAULT_DECODE_LIMITS[name]] as const,
  );
  if (told.every(([ours, usual]) => ours === usual)) return {};
  const [bytes, entries, values, names] = told.map(([ours]) => Math.floor(ours));
  return { limits: [bytes!, entries!, values!, names!] };
}

/** Why a presented identity is not taken over. */
const refusedAs = (known: ReturnType<typeof verifyIdentity> | undefined): "expired" | "foreign" | undefined =>
  known?.ok === false ? (known.reason === "expired" ? "expired" : "foreign") : undefined;

/** Both sides must speak one protocol and one version of each slice that both know. */
function versionDiffers(context: ServerContext, hello: ClientFrames["Hello"]): Greeting | undefined {
  const slices = context.wiring.versions();
  let older = hello.protocol < PROTOCOL_VERSION;
  let newer = hello.protocol > PROTOCOL_VERSION;
  for (const [name, version] of Object.entries(hello.slices)) {
    const ours = Object.hasOwn(slices, name) ? slices[name]! : undefined;
    // A slice only one side knows: its topics are refused one by one.
    if (ours === undefined) continue;
    older ||= version < ours;
    newer ||= version > ours;
  }
  if (!older && !newer) return undefined;
  // An older page must reload; a newer one meets an old node in a rolling deploy and should try another.
  const last = { type: "Version", protocol: PROTOCOL_VERSION, slices, terminal: older } as const;
  return { ok: false, code: "version", last };
}
