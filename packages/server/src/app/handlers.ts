// What an app tells the server about a slice: who may subscribe and dispatch, what is changed before a message is
// taken, what to do after. Types for users above, the engine's one door to them (`admission`) below.
import { CallaError, deepFreeze, messageOf, parseMessage, sameValue } from "@calla/shared";
import type {
  CallaRejectionCode,
  ClientMessageOf,
  EphemeralSlice,
  Limits,
  Message,
  MessageOf,
  ModelOf,
  ModelSlice,
  ParamsOf,
  Parsed,
  Rejection,
  Serialiser,
  Slice,
  TargetKey,
} from "@calla/shared";
import { contain, isThenable } from "../base/contain.ts";
import type { Admit } from "./intent.ts";

/** What `authenticate` gives for a user: at least an id. */
export interface AnyUser {
  readonly id: string;
}

/** Who asks. `user` is null where the server has no `authenticate`. */
export interface Who<User extends AnyUser = AnyUser> {
  readonly clientId: string;
  readonly user: User | null;
}
/** Who asks, and for which topic. `topic` is its id, `params` what stands for each "*". */
export interface Asking<S, User extends AnyUser> extends Who<User> {
  readonly topic: TargetKey;
  readonly params: ParamsOf<S>;
}
/** Who asks to subscribe to a topic, or to dispatch to it. */
export interface AccessRequest<S, User extends AnyUser> extends Asking<S, User> {
  readonly purpose: "subscribe" | "dispatch";
  /**
   * Aborted when the client has gone or does not want it any more, when its rights have changed meanwhile, or when
   * `limits.checkTimeout` has passed: the answer does not count then. It is made when it is first read.
   */
  readonly signal: AbortSignal;
  /**
   * Whether there is such a topic: something was accepted in it, and it was not removed. One look at the log, where it
   * is called; nothing is opened for it. Of an ephemeral topic: true. Rejects where the log cannot be read.
   *
   * @example
   * canSubscribe: async ({ exists, user }) => user.admin || (await exists()),
   */
  readonly exists: () => Promise<boolean>;
}
/** Of a message that was applied: its author (null: the server) and its place. */
export interface AppliedMessage<S, User extends AnyUser> {
  readonly topic: TargetKey;
  readonly params: ParamsOf<S>;
  readonly author: Who<User> | null;
  readonly sequence: number;
  readonly at: number;
  /** The model after the message. */
  readonly model: ModelOf<S>;
}

type Maybe<T> = T | void | Promise<T | void>;

/**
 * How the server treats one slice. Everything absent is refused; `public: true` allows everybody everything.
 *
 * @example
 * server.handle(board, {
 *   canSubscribe: async ({ user, params: [id] }) => (await members.of(id)).includes(user.id),
 *   canDispatch: ({ type }, { user }) => type !== "cleared" || user.admin,
 * });
 */
export interface Handlers<S, User extends AnyUser> {
  /** Everybody may subscribe, and dispatch what clients may dispatch. */
  readonly public?: true;
  /**
   * Whether a client may subscribe to the topic, and reach it at all: a dispatch to a topic without a subscription asks this
   * first (`purpose`). true is remembered for the connection until rights are checked again (`server.reauthorise`,
   * `limits.recheckAfter`). Absent: nobody. A throw or rejected promise refuses, retryably. So many calls are under way
   * at a time (`limits.maxChecksPerConnection`, `limits.maxChecks`), the others wait for their turn.
   *
   * @example
   * canSubscribe: async ({ user, params: [id], signal }) => (await members.of(id, { signal })).includes(user.id),
   */
  canSubscribe?(asking: AccessRequest<S, User>): boolean | Promise<boolean>;
  /** Whether a client may dispatch this message now. Synchronous: it is part of the decision. Absent: read-only. */
  canDispatch?(
    message: ClientMessageOf<S>,
    asking: Asking<S, User> & { readonly model: ModelOf<S> },
  ): boolean;
  /** Changes a message before it is taken: stamp a time, clamp a value. Subscribers and author get what it returns. */
  amend?(message: ClientMessageOf<S>, asking: Asking<S, User> & { readonly model: ModelOf<S> }): MessageOf<S>;
  /** After a client was subscribed. Messages returned are dispatched by the server. */
  onSubscribe?(asking: Asking<S, User>): Maybe<MessageOf<S> | readonly MessageOf<S>[]>;
  /** After a subscription ended, for whatever reason. Messages returned are dispatched by the server. */
  onUnsubscribe?(asking: Asking<S, User>): Maybe<MessageOf<S> | readonly MessageOf<S>[]>;
  /**
   * Under which key a client is listed on a topic (`definePresence`): clients with one key are shown as one, with a meta for
   * each. Called when a client says with what it is to be listed; what is no text of 1 to 4,096 characters, or a throw,
   * refuses that (`hook`). Default: the user's id; of an anonymous client the tag by which the topic names it, as text.
   *
   * @example
   * presenceKey: ({ user }) => user.teamId,
   */
  presenceKey?(asking: Asking<S, User>): string;
  /** After a message was applied here, at most once: observe, do not rely on it. */
  onMessage?(message: MessageOf<S>, applied: AppliedMessage<S, User>): void;
}

/** Handlers as the hub runs them. */
export interface LooseHandlers {
  readonly public?: true;
  canSubscribe?(asking: LooseAccessRequest): boolean | Promise<boolean>;
  canDispatch?(message: Message, asking: LooseAsking & { readonly model: unknown }): boolean;
  amend?(message: Message, asking: LooseAsking & { readonly model: unknown }): Message;
  onSubscribe?(asking: LooseAsking): Maybe<Message | readonly Message[]>;
  onUnsubscribe?(asking: LooseAsking): Maybe<Message | readonly Message[]>;
  presenceKey?(asking: LooseAsking): string;
  onMessage?(message: Message, applied: LooseApplied): void;
}
export interface LooseAsking extends Who {
  readonly topic: TargetKey;
  readonly params: readonly string[];
}
export interface LooseAccessRequest extends LooseAsking {
  readonly purpose: "subscribe" | "dispatch";
  readonly signal: AbortSignal;
  readonly exists: () => Promise<boolean>;
}
export interface LooseApplied {
  readonly topic: TargetKey;
  readonly params: readonly string[];
  readonly author: Who | null;
  readonly sequence: number;
  readonly at: number;
  readonly model: unknown;
}

const refuse = (code: CallaRejectionCode, details: unknown = {}): Denial => ({
  ok: false,
  from: "calla",
  code,
  details,
});

/** A place in the decision where the app's code runs; what it throws is reported and refuses that message alone. */
export interface AdmissionOptions<Reply> {
  readonly slice: ModelSlice;
  readonly handlers: LooseHandlers | undefined;
  readonly topic: TargetKey;
  readonly params: readonly string[];
  readonly maxBatch: number;
  readonly strict: boolean;
  /** A copy as every reader gets it, of what the server's own code made. Default: as it is. */
  normalise?(message: Message): Message;
  who(reply: Reply): Who;
  report(error: unknown): void;
}

/** Parse, authorise, amend and parse again, in one synchronous step (TE2). */
export function admission<Reply>(options: AdmissionOptions<Reply>): Admit<Reply> {
  const { slice, handlers, topic, params, maxBatch, strict, who, report } = options;
  const normalise = (message: Message): Message => options.normalise?.(message) ?? message;
  return (intent, model) => {
    if (intent.denied !== undefined) return refuse(intent.denied);
    const given = intent.messages;
    const fromClient = intent.author !== null;
    const denial = notSoMany(given, maxBatch);
    if (denial !== undefined) return denial;
    const messages: Message[] = [];
    let amended = false;
    for (const value of given) {
      try {
        const parsed = parseMessage(slice, value, fromClient ? "client" : "server", { strict });
        if (!parsed.ok) return unparsed(parsed, report);
        if (!fromClient) {
          // Its caller may change the object later, or hold in it what no wire carries (S45).
          messages.push(normalise(parsed.message));
          continue;
        }
        // A check or amend that changes what it was given would slip by its schema.
        if (strict) deepFreeze(parsed.message);
        const { clientId, user } = who(intent.reply);
        const checked = check(slice, handlers, parsed.message, { clientId, user, topic, params, model });
        if (!checked.ok) return checked;
        const changed = checked.message !== parsed.message && !sameValue(checked.message, parsed.message);
        amended ||= changed;
        messages.push(changed ? normalise(checked.message) : parsed.message);
      } catch (error) {
        if (!fromClient) return unsendable(error);
        report(error);
        return refuse("hook");
      }
    }
    return { ok: true, messages, amended };
  };
}

/** How many messages a dispatch may hold. */
function notSoMany({ length }: readonly unknown[], maxBatch: number): Denial | undefined {
  if (length > maxBatch) return refuse("too-large", { maxBatch });
  if (length > 0) return undefined;
  return refuse("invalid", { issues: [{ message: "a dispatch holds at least one message", path: [] }] });
}

/** The server's own caller hears what is wrong with its value. */
const unsendable = (error: unknown) =>
  refuse("invalid", {
    issues: [{ message: messageOf(error), path: [] }],
  });

/** The peer hears "invalid"; the app hears that its own schema threw. */
function unparsed(parsed: Exclude<Parsed, { ok: true }>, report: (error: unknown) => void) {
  if ("error" in parsed && parsed.error !== undefined) report(parsed.error);
  return refuse(parsed.code, parsed.details);
}

type Denial = { readonly ok: false } & Extract<Rejection, { readonly from: "calla" }>;
type Checked = { readonly ok: true; readonly message: Message } | Denial;

function check(
  slice: Slice,
  handlers: LooseHandlers | undefined,
  message: Message,
  asking: LooseAsking & { readonly model: unknown },
): Checked {
  if (handlers === undefined) return refuse("unhandled");
  // A check that forgot to answer has not allowed anything, whatever else is public.
  const allowed: unknown =
    handlers.canDispatch === undefined ? handlers.public === true : handlers.canDispatch(message, asking);
  if (isThenable(allowed)) throw asynchronous(slice, "canDispatch", allowed);
  if (allowed !== true) return refuse("forbidden");
  if (handlers.amend === undefined) return { ok: true, message };
  const amended: unknown = handlers.amend(message, asking);
  if (isThenable(amended)) throw asynchronous(slice, "amend", amended);
  const parsed = parseMessage(slice, amended, "server");
  if (parsed.ok) return parsed;
  throw new CallaError(
    "hook",
    { slice: slice.name, ...parsed.details },
    `amend of slice "${slice.name}" returned what is no message of it; return the message, changed or not.`,
  );
}

interface EphemeralParts {
  readonly serialiser: Serialiser;
  readonly limits: Pick<Limits, "maxBatch">;
  report(error: unknown): void;
}

/** The same door for ephemeral topics, which have no model and no mids. */
export function admitEphemeral(
  slice: EphemeralSlice,
  handlers: LooseHandlers | undefined,
  given: readonly unknown[],
  asking: LooseAsking,
  { report, serialiser, limits }: EphemeralParts,
): { readonly ok: true; readonly messages: readonly Message[] } | Denial {
  const denial = notSoMany(given, limits.maxBatch);
  if (denial !== undefined) return denial;
  const messages: Message[] = [];
  for (const value of given) {
    const parsed = parseMessage(slice, value, "client");
    if (!parsed.ok) return unparsed(parsed, report);
    const checked = check(slice, handlers, parsed.message, { ...asking, model: undefined });
    if (!checked.ok) return checked;
    // What was amended is kept and written later, for everybody at once: by then the app may have changed it, and a throw
    // reaches nobody.
    messages.push(
      handlers?.amend === undefined
        ? checked.message
        : (serialiser.normaliseMessage(checked.message) as Message),
    );
  }
  return { ok: true, messages };
}

function asynchronous(slice: Slice, hook: string, promise: PromiseLike<unknown>): CallaError {
  // Nobody waits for it: its rejection must not end the process.
  contain(
    () => undefined,
    () => promise,
  );
  return new CallaError(
    "hook",
    { slice: slice.name },
    `${hook} of slice "${slice.name}" returned a promise; it is part of one synchronous decision and must answer at once.`,
  );
}
