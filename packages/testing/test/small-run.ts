// A run that is small enough to be written by hand: two lists, a session, and no chance in who does what.
import { automatic, defineSession, defineTopic, defineWiring, json, serverOnly } from "@calla/shared";
import * as z from "zod";
import { action, serverAction } from "../src/index.ts";
import type { Plan, RunConfig, SimulationSetup, Step } from "../src/index.ts";

const list = defineTopic("list:*", {
  model: z.array(z.string()),
  initial: () => [],
  messages: { added: z.object({ item: z.string() }), cleared: serverOnly(z.object({})) },
  rejections: { full: z.object({}) },
  update: {
    added: (items, { item }, context) => (items.length < 5 ? [...items, item] : context.reject("full", {})),
    cleared: () => [],
  },
});
const session = defineSession({
  model: z.string(),
  initial: () => "",
  messages: { named: z.object({ name: z.string() }) },
  update: { named: (_, { name }) => name },
});
export const wiring = defineWiring({ topics: [list], session });

/** By the index of their action. */
export const [ADD, CLEAR, NAME, WRONG, ADD_ELSEWHERE] = [0, 1, 2, 3, 4] as const;

export const setup: SimulationSetup<typeof wiring> = {
  wiring,
  serialiser: automatic(json()),
  server(server) {
    server.handle(list, { public: true });
    server.handle(session, { public: true });
  },
  actions: [
    action(list, ["1"], (random) => ({ type: "added", item: `item ${random.int(0, 99)}` })),
    serverAction(list, ["1"], () => ({ type: "cleared" })),
    action(session, [], () => ({ type: "named", name: "me" })),
    action(list, ["1"], () => ({ type: "added", item: 5 }) as never),
    action(list, ["2"], () => ({ type: "added", item: "elsewhere" })),
  ],
};

type ClientConfig = RunConfig["clients"][number];
export const clientOf = (more: Partial<ClientConfig> = {}): ClientConfig => ({
  user: "ann",
  named: true,
  format: 0,
  node: 0,
  commitDelay: 0,
  modelDelay: 0,
  subscriptions: [0],
  via: ["socket"],
  ...more,
});
export const configOf = (more: Partial<RunConfig> = {}): RunConfig => ({
  serialiser: 0,
  nodes: 1,
  rolling: false,
  visitors: false,
  doorbell: { drop: 0, delay: 0, double: 0 },
  clients: [clientOf()],
  latency: [1, 1],
  retention: 10_000,
  limits: { maxStaleness: 500 },
  ...more,
});

/** A dispatch of a client's, some time after what comes before it. */
export const dispatch = (
  client = 0,
  action: number = ADD,
  more: Partial<Extract<Step, { do: "dispatch" }>> = {},
): Step => ({
  do: "dispatch",
  after: 20,
  client,
  action,
  seed: 1,
  count: 1,
  cancel: false,
  ...more,
});
const nothing = (after: number): Step => ({ do: "set-clock", after, node: 0, by: 0 });
/** Time for a client to be let in, the steps, and time for what they set going: quiet takes back what has not happened. */
export const planOf = (steps: readonly Step[], config: Partial<RunConfig> = {}): Plan => ({
  seed: 1,
  config: configOf(config),
  steps: [nothing(100), ...steps, nothing(500)],
});
