// The builder of channels. It checks what the compiler cannot, and keeps handlers; who runs them is engine/.
import { CallaError, isSchema } from "@calla/shared";
import type { Schema } from "@calla/shared";
import { parsePattern } from "../topics/pattern.ts";
import type { ChannelBuilder, ChannelSocket, Events } from "./channel-types.ts";
import { setDefinition } from "./definition.ts";
import type { ChannelDefinition, Checked, PresenceDeclaration } from "./definition.ts";
import type { PresenceOptions } from "./presence-types.ts";

/**
 * Begins a channel for the topics of a pattern: "room:lobby", "room:*" (whatever follows), "document:*:ops" (one segment
 * for each `*`).
 *
 * @example
 * export const room = defineChannel("room:*").handleIn("ping", () => reply({ pong: true }));
 * @throws CallaError `wiring`: the pattern is none, or an event is defined twice.
 */
export function defineChannel<const Pattern extends string>(
  pattern: Pattern,
): ChannelBuilder<Pattern, {}, {}, {}, Events, never> {
  // A system under strictPhoenix takes more; it asks again, when the channel is registered.
  parsePattern(pattern, { strictPhoenix: true });
  return builder({
    pattern,
    join: undefined,
    joined: undefined,
    events: new Map(),
    binaries: new Map(),
    raw: undefined,
    other: undefined,
    out: new Map(),
    info: undefined,
    presence: undefined,
    mayStay: undefined,
    terminate: undefined,
  }) as unknown as ChannelBuilder<Pattern, {}, {}, {}, Events, never>;
}

/** The engine takes these itself; a handler of theirs would never be called. */
const TAKEN: ReadonlySet<string> = new Set(["phx_join", "phx_leave"]);

type Given = readonly unknown[];

function builder(definition: ChannelDefinition): object {
  const { pattern } = definition;
  const wrong = (what: string): CallaError =>
    new CallaError("wiring", { pattern }, `Channel "${pattern}": ${what}`);
  const isFunction = (handler: unknown, of: string): never => {
    if (typeof handler !== "function") throw wrong(`${of} needs a function.`);
    return handler as never;
  };
  /** `(handler)` or `(schema, handler)`. */
  const checked = (given: Given, of: string): Checked<never> => {
    if (given.length < 2) return { schema: undefined, handler: isFunction(given[0], of) };
    if (!isSchema(given[0])) throw wrong(`${of} was given something that is no Standard Schema.`);
    return { schema: given[0] as Schema, handler: isFunction(given[1], of) };
  };
  const withEvent = <H>(
    map: ReadonlyMap<string, H>,
    of: string,
    event: unknown,
    handler: H,
  ): ReadonlyMap<string, H> => {
    if (typeof event !== "string") throw wrong(`${of} needs the name of an event.`);
    if (TAKEN.has(event)) throw wrong(`"${event}" is answered by Calla; use join and terminate.`);
    if (map.has(event)) throw wrong(`${of}("${event}") is there already.`);
    return new Map(map).set(event, handler);
  };
  const once = <K extends keyof ChannelDefinition>(name: K, value: ChannelDefinition[K]): object => {
    if (definition[name] !== undefined)
      throw wrong(`${name === "raw" ? "handleBinary" : name} is there already.`);
    return builder({ ...definition, [name]: value });
  };
  const made = {
    pattern,
    socket: () => made,
    says: () => made,
    join: (...given: Given) => once("join", checked(given, "join")),
    joined: (handler: unknown) => {
      const run: (socket: ChannelSocket) => unknown = isFunction(handler, "joined");
      return once("joined", (_, socket) => run(socket));
    },
    handleIn: (event: unknown, ...given: Given) =>
      builder({
        ...definition,
        events: withEvent(
          definition.events,
          "handleIn",
          event,
          checked(given, `handleIn("${String(event)}")`),
        ),
      }),
    handleBinary: (...given: Given) =>
      given.length < 2
        ? once("raw", isFunction(given[0], "handleBinary"))
        : builder({
            ...definition,
            binaries: withEvent(
              definition.binaries,
              "handleBinary",
              given[0],
              isFunction(given[1], "handleBinary"),
            ),
          }),
    handleOther: (handler: unknown) => once("other", isFunction(handler, "handleOther")),
    handleOut: (event: unknown, handler: unknown) =>
      builder({
        ...definition,
        out: withEvent(definition.out, "handleOut", event, isFunction(handler, "handleOut")),
      }),
    presence: (options: unknown = {}) => once("presence", declared(options, wrong)),
    handleInfo: (...given: Given) => once("info", checked(given, "handleInfo")),
    mayStay: (handler: unknown) => once("mayStay", isFunction(handler, "mayStay")),
    terminate: (handler: unknown) => once("terminate", isFunction(handler, "terminate")),
  };
  setDefinition(made, definition);
  return made;
}

/** The options of `presence`, looked at. */
function declared(options: unknown, wrong: (what: string) => CallaError): PresenceDeclaration {
  const {
    meta,
    key,
    initial,
    state = true,
    fetch,
  } = Object(options) as PresenceOptions<ChannelSocket, never>;
  if (meta !== undefined && !isSchema(meta))
    throw wrong("presence({ meta }) was given something that is no Standard Schema.");
  for (const [name, given] of Object.entries({ key, initial, fetch }))
    if (given !== undefined && typeof given !== "function")
      throw wrong(`presence({ ${name} }) needs a function.`);
  if (initial !== undefined && key === undefined)
    throw wrong("presence({ initial }) needs a key, too: under which whoever joins is tracked.");
  return { meta, key, initial, state, fetch: fetch as PresenceDeclaration["fetch"] };
}
