// supervise: a supervisor of Calla's own parts: pubsub, a server of the sync half, channels, presence, groups. Not here: what
// a supervisor does (tree/), how a pubsub lives on over a new engine (living-pubsub.ts).
import { CallaError } from "@calla/shared";
import { reporter } from "../base/contain.ts";
import { hostOf } from "../channels/engine/hosts.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { groupsOver } from "../groups/groups.ts";
import type { Groups } from "../groups/groups-api.ts";
import { presenceOf } from "../house/house-presence.ts";
import type { HousePresence } from "../house/house-presence.ts";
import { STOP_WITHIN } from "../server-topic.ts";
import { LivingPubSub } from "./living-pubsub.ts";
import type {
  SuperviseOptions,
  SupervisedChannels,
  SupervisedServer,
  System,
  WiringOf,
} from "./supervise-api.ts";
import { createSupervisor } from "./tree/supervisor.ts";
import type { Child } from "./tree/supervisor-api.ts";

/** A server's own end, and a word more. */
const SERVER_STOP = STOP_WITHIN + 1_000;

/**
 * Makes a system of Calla's parts under one supervisor, in the order pubsub, server, channels, presence, groups. Nothing
 * starts before `start`. One that fails is restarted, and those behind it, but for the server, which goes on over the new
 * pubsub.
 *
 * @example
 * const system = supervise({
 *   pubsub: () => redisPubSub(url),
 *   channels({ pubsub }) {
 *     const channels = createChannels({ pubsub }).register(room);
 *     return { channels, mount: phoenix(channels, { httpServer, path: "/socket" }) };
 *   },
 * });
 * await system.start();
 * @throws CallaError `wiring`: neither server nor channels, a number that cannot be meant.
 */
export function supervise<
  S extends SupervisedServer | undefined = undefined,
  C extends SupervisedChannels | undefined = undefined,
>(options: SuperviseOptions<S, C>): System<S, C> {
  const { name = "calla", server: makeServer, channels: makeChannels } = options;
  if (makeServer === undefined && makeChannels === undefined)
    throw new CallaError(
      "wiring",
      {},
      "supervise needs server, channels, or both: each a function that makes it.",
    );
  const living = new LivingPubSub(reporter(options.onError));
  let [server, made]: [S | undefined, C | undefined] = [undefined, undefined];
  const madeOnce = <T>(part: T | undefined, what: string): T => {
    if (part !== undefined) return part;
    throw new CallaError(
      "closed",
      { name },
      `"${name}" has no ${what} before it has started: await system.start().`,
    );
  };
  const channelsNow = () => madeOnce(made, "channels")!.channels;

  const pubsub: Child<PubSub> = {
    name: "pubsub",
    async start({ failed, signal }) {
      const engine = await (options.pubsub ?? localPubSub)();
      if (!signal.aborted) living.attach(engine, failed);
      return engine;
    },
    stop(engine) {
      living.detach(engine);
      return engine.close?.();
    },
  };
  const children: Child[] = [pubsub];
  if (makeServer !== undefined) {
    const child: Child<S> = {
      name: "server",
      lasting: true,
      stopWithin: SERVER_STOP,
      async start({ failed, signal }) {
        const now = await makeServer({ pubsub: living, failed });
        // One that comes too late is stopped again, and another one may be in its place.
        if (!signal.aborted) server = now;
        return now;
      },
      stop: (stopping) => stopping?.stop(),
    };
    children.push(child);
  }
  if (makeChannels !== undefined) {
    const child: Child<C> = {
      name: "channels",
      async start({ failed, signal }) {
        const now = await makeChannels({ pubsub: living, server: server as S, failed });
        if (!signal.aborted) made = now;
        return now;
      },
      // Their connections are told to come back before the mount ends what is left of them.
      stop: (stopping) => Promise.all([stopping?.channels.stop(), stopping?.mount?.close()]),
    };
    children.push(child);
  }
  let seen: HousePresence | undefined;
  const presence: Child<() => void> = {
    name: "presence",
    start({ failed }) {
      const now = presenceOf(server ?? channelsNow());
      if (now === undefined)
        throw new CallaError("wiring", {}, "supervise needs what createServer and createChannels give.");
      // With channels that stand alone it was made anew with them.
      if (now === seen) now.restart();
      seen = now;
      return now.onFailure(failed);
    },
    stop: (undo) => undo(),
  };
  const groups = groupsOver<WiringOf<S>>({
    host: makeChannels && (() => hostOf(channelsNow())),
    server: makeServer && (() => madeOnce(server, "server")!),
    limits: options.groups,
  });
  // They hold names of topics, which outlive what is beneath: nothing of them is to be made anew.
  const grouping: Child<Groups<WiringOf<S>>> = { name: "groups", start: () => groups };
  children.push(presence, grouping);

  const supervisor = createSupervisor({ ...options, name, children });
  const system: System<S, C> = {
    pubsub: living,
    groups,
    get server() {
      return madeOnce(server, "server") as S;
    },
    get channels() {
      return channelsNow() as System<S, C>["channels"];
    },
    get mount() {
      return made?.mount as System<S, C>["mount"];
    },
    start: () => supervisor.start(),
    stop: () => supervisor.stop(),
    get: (child) => supervisor.get(child),
    get state() {
      return supervisor.state;
    },
    get ready() {
      return supervisor.ready && server?.ready !== false;
    },
    inspect: () => supervisor.inspect(),
    asChild() {
      const child = supervisor.asChild();
      return { ...child, start: async (starting) => (await child.start(starting), system) };
    },
  };
  return system;
}
