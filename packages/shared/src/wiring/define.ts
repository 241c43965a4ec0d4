// How a user makes slices: functions that infer every type from the definition and refuse a bad one at once.
// A wrong message, field, rejection code, missing update or converting schema is a compile error; what the compiler
// cannot see, or JavaScript does not ask, is checked in dev/define-checks.ts.
import { checkEphemeral, checkSession, checkTopic } from "#dev/define-checks";
import type { Context } from "./context.ts";
import { ephemeralPage } from "./ephemeral-page.ts";
import type {
  Created,
  EphemeralSlice,
  Keep,
  MessageIn,
  Migrations,
  ModelSlice,
  SessionSlice,
  SlicePresence,
  TopicSlice,
  Typed,
} from "./slice.ts";
import type { Describes, OutputOf, Schema, Schemas } from "./standard.ts";
import { asPattern } from "./topic-pattern.ts";

/** Of every copy of this package: a mark that went unseen would let clients send what is the server's alone. */
export const serverOnlyMark: unique symbol = Symbol.for("calla.serverOnly");

/** A message schema that clients cannot send. */
export interface ServerOnly<S extends Schema = Schema> {
  readonly "~standard": S["~standard"];
  readonly [serverOnlyMark]: true;
}

/**
 * Marks a message that only the server may dispatch: a type error on the client, and refused on the wire.
 *
 * @example
 * messages: { titleStamped: serverOnly(z.object({ at: z.number() })) }
 */
export const serverOnly = <S extends Schema>(schema: S): ServerOnly<S> =>
  Object.freeze({ "~standard": schema["~standard"], [serverOnlyMark]: true as const });

// ---------------------------------------------------------------------------------------- what a definition must be

type NoFields = { "a message is an object of named fields": never };
type TypeField = { "a message cannot have a field named type: type is the message's own name": never };

/** true for each member of a union that names a field `type`; a dictionary names none. */
type NamesType<Out> = Out extends unknown
  ? string extends keyof Out
    ? never
    : "type" extends keyof Out
      ? true
      : never
  : never;
type IsMessage<Out> = [Out] extends [object]
  ? [Extract<Out, readonly unknown[]>] extends [never]
    ? [NamesType<Out>] extends [never]
      ? unknown
      : TypeField
    : NoFields
  : NoFields;

export type MessageSchemas<M extends Schemas> = M & {
  readonly [K in keyof M]: Describes<M[K]> & IsMessage<OutputOf<M[K]>>;
};
type DetailSchemas<R extends Schemas> = R & { readonly [K in keyof R]: Describes<R[K]> };
type OutputsOf<M extends Schemas> = { [K in keyof M & string]: OutputOf<M[K]> };

/** One pure function per message type. */
export type Updates<Model, M extends Schemas, R extends Schemas> = {
  readonly [K in keyof M & string]: (
    model: Model,
    message: Typed<K, OutputOf<M[K]>>,
    context: Context<{ [C in keyof R & string]: OutputOf<R[C]> }>,
  ) => Model;
};

/** What `defineSession` takes, and `defineTopic` besides its own. */
export interface ModelDefinition<S extends Schema, M extends Schemas, R extends Schemas> {
  /** What the model looks like: any Standard Schema that describes and does not convert. */
  readonly model: S & Describes<S>;
  /** Gives the model of a target that has no record. Called on client and server, so it gives the same on both. */
  readonly initial: () => NoInfer<OutputOf<S>>;
  /** Message type to the schema of its fields; `serverOnly(schema)` where clients may not send it. */
  readonly messages: MessageSchemas<M>;
  /** Reasons to reject a message, each with the schema of its details. */
  readonly rejections?: DetailSchemas<R>;
  /**
   * Message type to its update: (model, message, context) → model. Pure: it returns a new model, takes time, chance and
   * ids from the context, and refuses by `context.reject`.
   */
  readonly update: Updates<OutputOf<S>, M, R>;
  /** Raised whenever models or messages change their form, or an update what it does; 1 unless given. */
  readonly version?: number;
  /**
   * What becomes of older versions' models and messages.
   *
   * @example
   * version: 2,
   * migrate: {
   *   1: {
   *     model: (old: { items: string[] }) => ({ cards: old.items.map((text) => ({ text })) }),
   *     message: (old, { drop }) => (old.type === "voted" ? drop("votes are gone") : { type: "added", text: String(old.item) }),
   *   },
   * }
   */
  readonly migrate?: Migrations<OutputOf<S>, MessageIn<OutputsOf<M>>>;
}

/** `Given`: what stands for `presence`; of anything but a presence the compiler says this sentence. */
type PresenceGiven<Given> = Given extends SlicePresence
  ? Given
  : "presence takes definePresence(schema), and not the schema itself";
type MetaIn<Given> = Given extends SlicePresence<infer Meta> ? Meta : never;

/** What `defineTopic` takes. */
export interface TopicDefinition<
  S extends Schema,
  M extends Schemas,
  R extends Schemas,
  Given = SlicePresence,
> extends ModelDefinition<S, M, R> {
  /**
   * Milliseconds after which a topic is removed that has had no subscriber and no dispatch since; at least
   * 60,000. It goes as by `server.topic(…).remove()`, up to an hour later. Default: it stays.
   *
   * @example
   * lifetime: 90 * 24 * 3_600_000, // drafts that nobody has looked at for 90 days
   */
  readonly lifetime?: number;
  /**
   * "server": a topic begins with a dispatch of the server's own, never with a client's message. Until then a
   * subscribe is refused (`missing`) and granted by itself once the server has made it; a message is rejected (`missing`).
   * "client" unless given: a client that may dispatch to a topic makes it by doing so.
   *
   * @example
   * const room = defineTopic("room:*", { created: "server", … });
   * await server.topic(room, id).dispatch({ type: "opened", by: user.id });
   */
  readonly created?: Created;
  /** Who is here: `definePresence(schema)`. Default: nobody is listed. */
  readonly presence?: PresenceGiven<Given>;
}

/** What `defineEphemeral` takes. */
export interface EphemeralDefinition<M extends Schemas, Given = SlicePresence> {
  /** Message type to the schema of its fields; `serverOnly(schema)` where clients may not send it. */
  readonly messages: MessageSchemas<M>;
  /** "latest": who comes later gets each client's latest message. "none" unless given. */
  readonly keep?: Keep;
  /** Who is here: `definePresence(schema)`. Default: nobody is listed. */
  readonly presence?: PresenceGiven<Given>;
  /** Raised whenever messages change their form; 1 unless given. */
  readonly version?: number;
}

type NoSchemas = Record<never, never>;
/** The types that a definition makes, spelled out in each signature below so that editors show them resolved. */
type ServerOnlyIn<M> = {
  [K in keyof M & string]: M[K] extends { readonly [serverOnlyMark]: true } ? K : never;
}[keyof M & string];

// ------------------------------------------------------------------------------------------------ the functions

/**
 * A family of topics, or one: state that its subscribers share.
 *
 * @example
 * const counter = defineTopic("counter:*", {
 *   model: z.object({ n: z.number() }),
 *   initial: () => ({ n: 0 }),
 *   messages: { added: z.object({ by: z.number() }) },
 *   update: { added: (counter, { by }) => ({ n: counter.n + by }) },
 * });
 */
export function defineTopic<
  const P extends string,
  S extends Schema,
  const M extends Schemas,
  const R extends Schemas = NoSchemas,
  Given = never,
>(
  pattern: P,
  definition: TopicDefinition<S, M, R, Given>,
): TopicSlice<
  P,
  {
    model: OutputOf<S>;
    messages: { [K in keyof M & string]: OutputOf<M[K]> };
    serverOnly: ServerOnlyIn<M>;
    rejections: { [C in keyof R & string]: OutputOf<R[C]> };
    presence: MetaIn<Given>;
  }
> {
  const { lifetime } = definition;
  const presence = definition.presence as SlicePresence | undefined;
  const slice = {
    kind: "topic" as const,
    pattern: asPattern(pattern),
    lifetime,
    presence,
    ...modelSlice(pattern, definition),
  };
  checkTopic(slice, definition);
  return Object.freeze(slice);
}

/**
 * State that belongs to one client alone and lives on the server too.
 *
 * @example
 * const session = defineSession({
 *   model: z.object({ name: z.string() }),
 *   initial: () => ({ name: "" }),
 *   messages: { renamed: z.object({ name: z.string() }) },
 *   update: { renamed: (session, { name }) => ({ ...session, name }) },
 * });
 */
export function defineSession<S extends Schema, const M extends Schemas, const R extends Schemas = NoSchemas>(
  definition: ModelDefinition<S, M, R>,
): SessionSlice<{
  model: OutputOf<S>;
  messages: { [K in keyof M & string]: OutputOf<M[K]> };
  serverOnly: ServerOnlyIn<M>;
  rejections: { [C in keyof R & string]: OutputOf<R[C]> };
}> {
  const slice = { kind: "session" as const, ...modelSlice("session", definition) };
  checkSession(slice, definition);
  return Object.freeze(slice);
}

/**
 * Topics without a model or a history: messages go to the subscribers of now, and are not kept.
 *
 * @example
 * const cursors = defineEphemeral("cursors:*", {
 *   messages: { moved: z.object({ x: z.number(), y: z.number() }) },
 *   keep: "latest",
 * });
 */
export function defineEphemeral<const P extends string, const M extends Schemas, Given = never>(
  pattern: P,
  definition: EphemeralDefinition<M, Given>,
): EphemeralSlice<
  P,
  {
    model: undefined;
    messages: { [K in keyof M & string]: OutputOf<M[K]> };
    serverOnly: ServerOnlyIn<M>;
    rejections: Record<never, never>;
    presence: MetaIn<Given>;
  }
> {
  const { keep = "none", version = 1 } = definition;
  const presence = definition.presence as SlicePresence | undefined;
  const messages: Schemas = Object.freeze({ ...definition.messages });
  const slice = {
    kind: "ephemeral" as const,
    name: pattern,
    pattern: asPattern(pattern),
    version,
    keep,
    presence,
    messages,
    serverOnly: serverOnlyOf(messages),
    "~page": ephemeralPage(keep),
  };
  checkEphemeral(slice, definition);
  return Object.freeze(slice);
}

// ------------------------------------------------------------------------------------------------------- making one

/** A definition with its types forgotten: what the functions share. */
interface AnyDefinition {
  readonly model: Schema;
  readonly initial: () => unknown;
  readonly messages: Schemas;
  readonly update: object;
  readonly rejections?: Schemas;
  readonly version?: number;
  readonly migrate?: Migrations<unknown, unknown>;
  readonly created?: Created;
}

export function modelSlice(name: string, definition: AnyDefinition): Omit<ModelSlice<never>, "kind"> {
  const messages: Schemas = Object.freeze({ ...definition.messages });
  return {
    name,
    version: definition.version ?? 1,
    model: definition.model,
    initial: definition.initial,
    messages,
    rejections: Object.freeze({ ...definition.rejections }),
    update: Object.freeze({ ...definition.update }) as ModelSlice["update"],
    migrate: Object.freeze({ ...definition.migrate }),
    created: definition.created ?? "client",
    serverOnly: serverOnlyOf(messages),
  };
}

const serverOnlyOf = (messages: Schemas) => {
  // Whatever stands there: what is no schema is refused afterwards, with a sentence.
  const types = new Set(Object.keys(messages).filter((type) => serverOnlyMark in Object(messages[type])));
  return (type: string): boolean => types.has(type);
};
