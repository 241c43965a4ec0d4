// What the two halves of a server share when they stand in one process: whose origins may connect, how much may be read,
// who is counted by address, time, chance, other nodes, reporters, and the order of leaving. Neither half knows the other.
import { CallaError, isDevelopment } from "@calla/shared";
import type { Limits, Random, SteadyClock } from "@calla/shared";
import { observerOf } from "../app/events.ts";
import type { Observe } from "../app/events.ts";
import { steady, systemClock, systemRandom } from "../base/clock.ts";
import type { ConnectRequest } from "../base/connection.ts";
import { reporter } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import { limitsOf } from "../base/limits.ts";
import { containedPubSub, localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { ByteIntake } from "../connection/byte-limits.ts";
import { CountByKey } from "../connection/connection-quota.ts";
import { addressReader, trustedProxiesProblem } from "../identity/address.ts";
import type { TrustedProxies } from "../identity/address.ts";
import { hostRefusal, hostsProblem } from "../identity/hosts.ts";
import type { Hosts } from "../identity/hosts.ts";
import { originAllowed, originPolicyProblem } from "../identity/origin.ts";
import type { OriginPolicy } from "../identity/origin.ts";
import { ProxyWatch } from "../identity/proxy-watch.ts";
import { HousePresence } from "./house-presence.ts";
import type { Clock } from "@calla/shared";

/** What `createServer` and `createChannels` both take. Their own doc comments say what each is. */
export interface HouseOptions {
  readonly pubsub?: PubSub | undefined;
  readonly nodeName?: string | undefined;
  readonly origins?: OriginPolicy | undefined;
  readonly hosts?: Hosts | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly trustedProxies?: TrustedProxies | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly observe?: Observe | readonly Observe[] | undefined;
}

/** Somebody else who stands in the house and leaves with it. */
export interface HouseGuest {
  drain(over: number): Promise<void>;
  stop(): Promise<void>;
}

export interface House {
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly limits: Limits;
  readonly pubsub: PubSub;
  /** This node's own name on pubsub, so that it does not hear itself. */
  readonly node: string;
  readonly development: boolean;
  readonly report: Report;
  /** undefined: nobody watches, and nothing is to be made for it. */
  readonly observe: Observe | undefined;
  readonly allowsAnyOrigin: boolean;
  allowsOrigin(request: ConnectRequest): boolean;
  hostRefusal(request: ConnectRequest): string | undefined;
  /** What a connection's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  readonly proxyWatch: ProxyWatch;
  /** What comes in, in bytes. */
  readonly bytes: ByteIntake;
  /** Connections by address. */
  readonly connections: CountByKey;
  readonly guests: Set<HouseGuest>;
  /** Who is here. */
  readonly presence: HousePresence;
}

/** @throws CallaError `wiring`: an option is wrong; the message says which and what to write. */
export function openHouse(options: HouseOptions): House {
  const { origins = "same-origin", trustedProxies = [], random = systemRandom } = options;
  const problem = originPolicyProblem(origins);
  if (problem !== undefined) throw new CallaError("wiring", { origins }, problem);
  const wrongHosts = hostsProblem(options.hosts);
  if (wrongHosts !== undefined) throw new CallaError("wiring", { hosts: options.hosts }, wrongHosts);
  const untrusted = trustedProxiesProblem(trustedProxies);
  if (untrusted !== undefined) throw new CallaError("wiring", { trustedProxies }, untrusted);
  const clock = steady(options.clock ?? systemClock);
  const limits = limitsOf(options.limits);
  const development = isDevelopment();
  // Where an origin is named, a page under a name that leads here by trickery is not among them.
  const names = { hosts: options.hosts, guarded: development && origins === "same-origin" };
  const reported = reporter(options.onError);
  const observe = observerOf(options.observe, reported);
  const report: Report =
    observe === undefined
      ? reported
      : (error) => {
          observe({ type: "error", error });
          reported(error);
        };
  const proxyWatch = new ProxyWatch(report);
  const pubsub = containedPubSub(options.pubsub ?? localPubSub(), report);
  return {
    clock,
    random,
    limits,
    pubsub,
    node: `${random.uint32().toString(36)}${random.uint32().toString(36)}`,
    development,
    report,
    observe,
    allowsAnyOrigin: origins === "any",
    allowsOrigin: ({ headers }) =>
      originAllowed(origins, { origin: one(headers["origin"]), host: one(headers["host"]) }, { report }),
    hostRefusal: ({ headers }) =>
      hostRefusal(names, { origin: one(headers["origin"]), host: one(headers["host"]) }),
    addressOf: addressReader(trustedProxies, (request) => proxyWatch.untrusted(request)),
    proxyWatch,
    bytes: new ByteIntake(clock, limits),
    connections: new CountByKey(),
    guests: new Set(),
    presence: new HousePresence({ pubsub, clock, random, report, name: options.nodeName }),
  };
}

const HOUSES = new WeakMap<object, House>();

/** The house of a server, for what is to stand beside it. */
export const houseOf = (server: object): House | undefined => HOUSES.get(server);
/** Remembers it; the server shows an app nothing of it. */
export const setHouse = (server: object, house: House): void => void HOUSES.set(server, house);

const one = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === "string" || header === undefined ? header : header[0];
