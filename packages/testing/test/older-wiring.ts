// The campaign's wiring as it was one version ago: models of another form, messages of other names, one that is gone
// since. Its updates are those of today between the two forms, so migrating before or after an update is the same (VE3).
import { defineSession, defineTopic, defineWiring } from "@calla/shared";
import type { Message, ModelSlice } from "@calla/shared";
import * as z from "zod";
import type { SimulatedAction, SimulationSetup } from "../src/index.ts";
import {
  common,
  commonMessages,
  padHandlers,
  padNow,
  presence,
  rejections,
  room,
  setup,
  wiring,
  written,
} from "./wiring.ts";
import type { OlderPad } from "./wiring.ts";

type Update = (model: unknown, message: unknown, context: unknown) => unknown;
/** Today's update of a message, for a model of then. */
const asThen =
  <Then>(
    { update }: ModelSlice,
    type: string,
    toNow: (then: Then) => unknown,
    toThen: (now: never, then: Then) => Then,
  ) =>
  (then: Then, message: unknown, context: unknown): Then =>
    toThen((update[type] as Update)(toNow(then), message, context) as never, then);

const [newPad] = wiring.topics;
const onPad = (type: string) =>
  asThen<OlderPad>(
    newPad,
    type,
    padNow,
    ({ text, ...same }: Omit<OlderPad, "letters" | "waves"> & { text: string }, { waves }) => ({
      ...same,
      letters: text,
      waves,
    }),
  );
const each = <T>(names: readonly string[], make: (name: string) => T): Record<string, T> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));

const pad = defineTopic("pad:*", {
  presence,
  model: z.object({ letters: z.string(), waves: z.number(), ...common }),
  initial: () => ({ letters: "", waves: 0, items: [], count: 0, owner: null, stamps: [] }),
  messages: { wrote: written, waved: z.object({}), ...commonMessages },
  rejections,
  update: {
    ...each(Object.keys(commonMessages), onPad),
    wrote: onPad("typed"),
    waved: (pad: OlderPad) => ({ ...pad, waves: pad.waves + 1 }),
  } as never,
});

interface OlderSession {
  readonly called: string;
  readonly visits: number;
}
const onSession = (type: string) =>
  asThen<OlderSession>(
    wiring.session,
    type,
    ({ called, visits }) => ({ name: called, visits }),
    ({ name, visits }: { name: string; visits: number }) => ({ called: name, visits }),
  );
const session = defineSession({
  model: z.object({ called: z.string(), visits: z.number() }),
  initial: () => ({ called: "", visits: 0 }),
  messages: { called: z.object({ name: z.string() }), appended: z.object({ letter: z.string() }) },
  update: { called: onSession("named"), appended: onSession("appended") } as never,
});

const olderWiring = defineWiring({ session, topics: [pad, room] });

/** What somebody at an older page does in place of what today's does. */
function older(action: SimulatedAction): SimulatedAction {
  const { slice, params, weight, by, message } = action;
  if (slice.name === room.name) return action;
  const then = slice.kind === "session" ? session : pad;
  const names: Readonly<Record<string, string>> = { typed: "wrote", named: "called" };
  const renamed = (one: Message): Message =>
    one.type === "risked" ? { type: "waved" } : { ...one, type: names[one.type] ?? one.type };
  return {
    slice: then,
    params,
    weight,
    by,
    message(random, model) {
      const made = message(random, model);
      return "type" in made ? renamed(made as Message) : (made as readonly Message[]).map(renamed);
    },
  };
}

/** The older version's pages and servers. */
export const olderSetup = {
  ...setup,
  wiring: olderWiring,
  server(server) {
    server.handle(pad, padHandlers);
    server.handle(session, { public: true });
    server.handle(room, { public: true });
  },
  actions: setup.actions.map(older),
} satisfies SimulationSetup<typeof olderWiring>;
