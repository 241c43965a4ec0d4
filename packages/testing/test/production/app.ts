// What `production.sim.ts` runs, a process for each combination: says whether this process is development, by what it does.
import { createClient } from "@calla/client";
import { createServer } from "@calla/server";
import { automatic, defineLocal, defineTopic, defineWiring, json, sameValue } from "@calla/shared";
import * as z from "zod";

const given = process.env["STRICT"];
const strict = given === undefined ? {} : { strict: given === "true" };
let parsed = 0;
const counted = z.object({ n: z.number() }).refine(() => (parsed++, true));
const rolled = z.object({});
const topic = defineTopic("dice:*", {
  model: counted,
  initial: () => ({ n: 0 }),
  messages: { rolled, broken: rolled },
  update: {
    rolled: () => ({ n: Math.random() }),
    broken: (dice) => ({ ...dice, f: () => 1 }),
  },
});
const local = defineLocal({
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { rolled },
  update: { rolled: () => ({ n: Math.random() }) },
});
const wiring = defineWiring({ topics: [topic], local });
const serialiser = automatic(json());
const errors: string[] = [];
const note = (error: unknown): void => void errors.push((error as { code: string }).code);
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const server = createServer({ wiring, serialiser, onError: note, ...strict });
const atStart = errors.splice(0);
createServer({ wiring, serialiser, onError: note, ...strict });
errors.length = 0;
const transport = {
  reconnect: { baseMilliseconds: 1, maxMilliseconds: 1, multiplier: 1, jitterRatio: 0 },
  connect: () => ({ send: () => undefined, close: () => undefined }),
};
const client = createClient({ wiring, serialiser, transport, connect: false, ...strict });

const impure = await codeOf(() => server.topic(topic, "1").dispatch({ type: "rolled" }));
const parses = parsed;
await codeOf(() => server.topic(topic, "1").dispatch({ type: "broken" }));
const text = (wrong: () => unknown): string => {
  try {
    wrong();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};
const said = {
  /** What of the server's own checks is on: codes of what it reports, and how often it parsed the model. */
  server: { impure: impure !== "none", reported: errors, parses: parses > 0 },
  client: { impure: (await codeOf(() => client.local.dispatch({ type: "rolled" }))) === "strict" },
  definitions: text(() => defineWiring({ topics: [topic, topic] })) !== "",
  sentence: /message/.test(text(() => client.local.dispatch({ type: "unknown" } as never))),
  atStart,
  /** What is dispatched is frozen, in production too. */
  frozen: isFrozen(),
};
function isFrozen(): boolean {
  const write = client.topic(topic, "1").dispatch({ type: "rolled" });
  const [pending] = client.pending;
  return (
    Object.isFrozen(pending!.messages[0]) &&
    sameValue(pending!.messages, [{ type: "rolled" }]) &&
    write.id !== ""
  );
}
process.stdout.write(JSON.stringify(said));
process.exit(0);
