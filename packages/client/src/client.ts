// createClient: puts the parts together and gives the app its topics, session and status. Not here: what the parts do.
import { CallaError, DEV, OWN_SESSION, strictness, topicId } from "@calla/shared";
import type {
  AnyTopicSlice,
  Clock,
  EphemeralSlice,
  InWiring,
  LocalSlice,
  ParamsOf,
  PresencePage,
  Random,
  Serialiser,
  SessionSlice,
  Slice,
  SlicePresence,
  StatusReason,
  TargetKey,
  Wiring,
} from "@calla/shared";
import { absence, audible, checkWiring } from "#dev/mistakes";
import { showToTests } from "#dev/shown";
import { steady, systemClock, systemRandom } from "./base/clock.ts";
import type { Local } from "./local.ts";
import { contain, signal } from "./base/notifier.ts";
import type { Stop } from "./base/notifier.ts";
import { onWakeUp } from "./base/page-events.ts";
import { roughSize } from "./base/size.ts";
import { createConnection } from "./connection/connection.ts";
import type { ConnectedAs } from "./connection/connection.ts";
import { accept, checked } from "./engine/dispatch.ts";
import { createCore, end } from "./engine/life.ts";
import { listHeld } from "./engine/holding.ts";
import { commit, listPending } from "./engine/outbox.ts";
import type {
  ConnectionStatus,
  Core,
  DecidedWrite,
  HeldWrite,
  Ledger,
  PendingWrite,
  SnapshotTaken,
  Versions,
} from "./engine/records.ts";
import { retain } from "./engine/subscriptions.ts";
import { targetOf, touch } from "./engine/targets.ts";
import type { Owner, Storage, StorageHost } from "./storage/storage.ts";
import { rejections } from "./rejections.ts";
import type { RejectedWrite } from "./rejections.ts";
import { selection } from "./selection.ts";
import { createTopic, handleOf } from "./topic.ts";
import type { EphemeralTopic, Topic } from "./topic.ts";
import type { CloseReason, Transport } from "./transports/transport.ts";

/**
 * What `createClient` takes: `wiring` and `serialiser` are those of the server, everything but the transport has a
 * default. Times are milliseconds.
 *
 * @example
 * createClient({ wiring, serialiser, transport: webSocket({ url: "/ws" }), storage: indexedDb("app"), token });
 */
export interface ClientOptions<W extends Wiring = Wiring> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  readonly transport: Transport;
  /**
   * Compares confirmed models with the digests that the server sends now and then: `hashValue` of @calla/shared. A model
   * that differs is reported (`diverged`) and replaced by a snapshot. Absent: nothing is compared.
   */
  readonly digest?: (model: unknown) => number;
  /** What survives a reload; by default nothing is kept, and nothing does. */
  readonly storage?: Storage;
  /** The server that the storage is for, if one storage serves several. */
  readonly server?: string;
  /** The user of this client. Without it nothing stored is shown or sent before the server has named the user. */
  readonly user?: string | null;
  /** Called before every attempt; its result is the token that `authenticate` gets. */
  readonly token?: () => unknown;
  /** Connect at once: the default. */
  readonly connect?: boolean;
  /** Development's checks: by default unless NODE_ENV is "production", or the condition `production` has left them out. */
  readonly strict?: boolean;
  /** Milliseconds of silence before the client sends `Ping`: 25,000. */
  readonly heartbeat?: number;
  /** And for the answer: 10,000. */
  readonly heartbeatTimeout?: number;
  /** From the start of an attempt to its success: 10,000. */
  readonly connectTimeout?: number;
  /** For the answer to a subscription or a message, before it is sent again: 10,000. */
  readonly answerTimeout?: number;
  /** How long a topic stays subscribed after its last listener: 5,000. */
  readonly linger?: number;
  /** Dispatches without an outcome, all targets together: 10,000. Over it `dispatch` throws `queue-full`. */
  readonly maxPending?: number;
  /** Their size in bytes, roughly: 16 MiB. */
  readonly maxPendingBytes?: number;
  /**
   * Milliseconds that the oldest of a target's may wait: 14 days. Over it `dispatch` to that target throws `queue-full`;
   * what waits is not dropped. Identities expire (the server's `identityLifetime`, 30 days), and with them what may have
   * been sent, so a queue that never gets through must not go on growing.
   */
  readonly maxPendingAge?: number;
  /** Where time comes from. Default: the machine's; a test gives a virtual one. */
  readonly clock?: Clock;
  /** Where message ids and waits come from. Default: cryptographic chance; a test gives a seeded one. */
  readonly random?: Random;
  /**
   * Calls `wake` when it is worth trying at once; by default when the browser is online again or the page visible. And
   * `doubt` when there may be no network any more; by default when the browser says that it is offline.
   */
  readonly wakeUps?: (wake: () => void, doubt: () => void) => Stop;
  /** The server has let this client in for the first time in this page's life. */
  readonly onConnect?: (as: ConnectedAs) => void;
  /** It has let the client in again. */
  readonly onReconnect?: (as: ConnectedAs) => void;
  /** A connection that the server had let in has ended; `status` says what comes next. */
  readonly onDisconnect?: (reason: CloseReason) => void;
  /** A model was replaced, not continued; it says why. Observes only. */
  readonly onSnapshot?: (taken: SnapshotTaken) => void;
  /**
   * The server, or a topic, is of a newer version: this page is to be reloaded. Pages may still be served old, so give
   * `reloadOnce()` and not a bare `location.reload()`.
   */
  readonly onVersionMismatch?: (versions: Versions) => void;
  /** The outcome of a dispatch, also of one before a reload. Called once for each. */
  readonly onOutcome?: (decided: DecidedWrite) => void;
  /**
   * Errors that no caller can catch: of listeners, storage, undecodable data; of connecting those that most likely no
   * retry mends (nothing listens, a wrong path, an impossible url, a refused token), once until it changes.
   */
  readonly onError?: (error: unknown) => void;
}

/** The same object until something in it changes. */
export interface ClientStatus {
  readonly connection: ConnectionStatus;
  /** Why, where there is a reason: one of Calla's codes (docs/codes.md), or of the app's own (`app:…`). */
  readonly reason: StatusReason | "";
  /** What the network, or something on the way, said of it; for people to read. */
  readonly text: string;
  /** How many dispatches have no outcome. */
  readonly pending: number;
  /**
   * Those of them that are not sent, because every connection that carries them ends. Messages behind them to their
   * targets wait. `retry()` when the network may be another, `cancel()` to discard one.
   */
  readonly held: readonly HeldWrite[];
  /** `failed`: it could not be read or written last; what is dispatched now would not survive a reload. */
  readonly storage: "working" | "failed";
}

/**
 * One client of one server: its topics, its session, its status, and what it has dispatched. `createClient` makes it.
 *
 * @example
 * const topic = client.topic(board, "42");
 * topic.onChange(({ status, model }) => render(status, model));
 * client.onStatus(({ connection, pending }) => showBadge(connection, pending));
 */
export interface Client<W extends Wiring = Wiring> {
  /**
   * A look-up without effect: the subscription begins with a listener. The same object for the same topic.
   *
   * @throws CallaError `wiring`: the slice is not in this client's wiring. `topic`: the parameters make no topic id.
   */
  topic<S extends AnyTopicSlice>(
    slice: InWiring<W, S>,
    ...params: ParamsOf<S>
  ): S extends EphemeralSlice ? EphemeralTopic<S> : Topic<S>;
  readonly session: W["session"] extends SessionSlice ? Topic<W["session"]> : undefined;
  readonly local: W["local"] extends LocalSlice ? Local<W["local"]> : undefined;
  readonly status: ClientStatus;
  /** Calls back when `status` has changed, once per turn, and not at once. Returns the undo. */
  onStatus(listener: (status: ClientStatus) => void): Stop;
  /**
   * Calls back for each message to the slice's topics, or the session, that is rejected, whoever has dispatched it: this page
   * or an earlier one of this client. Of earlier pages' those that nobody has heard (the last 100) wait for a listener.
   * Returns the undo.
   *
   * @example
   * client.onRejection(board, ({ rejection, earlier }) => toast(sentenceOf(rejection), earlier));
   */
  onRejection<S extends AnyTopicSlice | SessionSlice>(
    slice: S extends SessionSlice ? S : InWiring<W, S>,
    listener: (rejected: RejectedWrite<S>) => void,
  ): Stop;
  /** Given by the server; undefined before the first connection. */
  readonly clientId: string | undefined;
  /** All dispatches without an outcome, earlier pages' too, each target's in order. The same array until it changes. */
  readonly pending: readonly PendingWrite[];
  /**
   * Begins to connect, and goes on until `disconnect`; at once where it waits for its next attempt. Does nothing while
   * connected.
   */
  connect(): void;
  /** Ends the connection and stays offline until `connect`. Dispatching goes on; what is dispatched waits. */
  disconnect(): void;
  /** Stores what is not yet stored, and ends everything. */
  close(): Promise<void>;
  /**
   * Ends everything, like `close`, and drops what is stored of this user on this server: outbox, models, identity; also
   * of the user's other pages, those that are open apart. Returns what had no outcome: none of it will be sent any
   * more, though what was `sent` may have been applied. Callers that wait get `closed`.
   *
   * @throws CallaError `forbidden` where no user was named and none is known yet, `storage`, `closed`.
   */
  forget(): Promise<readonly PendingWrite[]>;
  /**
   * For a computer that others use too: ends everything and drops all that is stored here, of every user, server and page.
   * Pages that are open store nothing more (`onError`: `storage`, reason `taken`), but show what they show until they are
   * closed. Returns how many messages of all users were `unsent`: without a recorded outcome, and gone. Asks nobody.
   *
   * @throws CallaError `storage`: it failed, and nothing is dropped; `closed`.
   */
  forget(options: { readonly everyone: true }): Promise<{ readonly unsent: number }>;
}

/**
 * A client of one server, for one user.
 *
 * @example
 * const client = createClient({ wiring, serialiser, transport: webSocket({ url: "/ws" }) });
 * const topic = client.topic(board, "42");
 */
export function createClient<W extends Wiring>(options: ClientOptions<W>): Client<W> {
  return createAny(options, false);
}

/** `flushOnly`: sends for a page that is gone, and subscribes to nothing (CV17). */
function createAny<W extends Wiring>(options: ClientOptions<W>, flushOnly: boolean): Client<W> {
  const all = withDefaults(options);
  const { wiring, serialiser, transport, storage, user, onError } = all;
  checkWiring(wiring);
  const clock = steady(all.clock);
  const report = (error: unknown): void => contain(() => {}, onError, error);
  const statusChanges = signal<ClientStatus>(report);
  const rejected = rejections(wiring, report, (run) => clock.defer(run));
  let closing: Promise<void> | undefined;

  const host: StorageHost = {
    clock,
    serialiser,
    report,
    flush: (instead) => createAny({ ...options, ...instead }, true),
  };
  const core = createCore(
    {
      ...all,
      clock,
      strict: strictness(options.strict),
      flushOnly,
      report,
      onRejected: rejected.tell,
      reconnect: transport.reconnect,
    },
    storage &&
      ((core) => {
        const owner: Owner = { server: all.server, user };
        return storage.ledger(core as never, storage as never, owner as never, host as never) as Ledger;
      }),
    () => {
      const now = statusOf();
      if (now !== told) statusChanges.emit((told = now));
    },
  );
  const connection = createConnection(core, { ...all, mistaken: audible(report, options.onError) });

  let status: ClientStatus = {
    connection: "offline",
    reason: "",
    text: "",
    pending: 0,
    held: [],
    storage: "working",
  };
  let told = status;
  /** The same object until something in it changes. */
  function statusOf(): ClientStatus {
    const held = core.held.size > 0 || core.heldWrites.length > 0 ? listHeld(core) : core.heldWrites;
    const kept = core.ledger?.failing ? "failed" : "working";
    const { connection: is, reason, text } = core;
    if (
      is !== status.connection ||
      reason !== status.reason ||
      text !== status.text ||
      core.size !== status.pending ||
      held !== status.held ||
      kept !== status.storage
    )
      status = { connection: is, reason, text, pending: core.size, held, storage: kept };
    return status;
  }

  const loaded = core.ledger?.load() ?? Promise.resolve();
  let wanted = false;
  const connect = (): void => {
    if (closing) return;
    wanted = true;
    // What is stored says who we are, so it comes first.
    void loaded.then(() => wanted && connection.start());
  };
  const disconnect = (): void => {
    wanted = false;
    connection.stop("offline");
  };
  const stopWaking = all.wakeUps(connection.wake, connection.doubt);
  /** Ends everything; `finish` says what becomes of what is stored. */
  const over = async <T>(finish: () => T | Promise<T>): Promise<T> => {
    await loaded;
    wanted = false;
    stopWaking();
    connection.stop("closed");
    return finish();
  };

  const topic = (slice: AnyTopicSlice, ...params: string[]): unknown => {
    if (!wiring.topics.includes(slice))
      throw new CallaError(
        "wiring",
        { slice: slice.name },
        DEV && `client.topic: slice "${slice.name}" is not in this client's wiring; list it in defineWiring.`,
      );
    const key = topicId(slice.pattern, ...params);
    const target = targetOf(core, key);
    return (target.handle ??= withPresence(
      core,
      key,
      slice,
      slice.kind === "topic"
        ? createTopic(core, key)
        : slice["~page"].open(core, handleOf(core, key), checked),
    ));
  };

  const session = wiring.session && createTopic(core, OWN_SESSION);
  if (!flushOnly) session?.retain();
  const local = wiring.local?.["~page"](core, signal(report), accept, selection);
  if (all.connect) connect();
  if (!flushOnly)
    showToTests(core, () => {
      const { wiring, serialiser, transport, clock, random, token, strict } = options;
      const second = { wiring, serialiser, transport, clock, random, token, strict, connect: false };
      // What goes wrong for it, a test sees by what it shows.
      return createAny({ ...second, onError: () => undefined } as ClientOptions<W>, false);
    });

  return {
    topic: topic as unknown as Client<W>["topic"],
    session: session as Client<W>["session"],
    local: local as Client<W>["local"],
    get status() {
      return statusOf();
    },
    onStatus: (listener) => statusChanges.add(listener),
    onRejection: rejected.add as Client<W>["onRejection"],
    get clientId() {
      return core.identity?.clientId;
    },
    get pending() {
      return listPending(core);
    },
    connect,
    disconnect,
    close: () =>
      (closing ??= over(() => {
        end(core);
        return core.ledger ? core.ledger.close() : commit(core);
      })),
    forget: ((options?: { readonly everyone?: boolean }) => {
      if (closing) return Promise.reject(new CallaError("closed"));
      const forgotten = over(async () => {
        const pending = listPending(core);
        end(core);
        if (!core.ledger) commit(core);
        if (options?.everyone) return { unsent: (await core.ledger?.forgetEveryone()) ?? pending.length };
        await core.ledger?.forget();
        return pending;
      });
      closing = forgotten.then(
        () => {},
        () => {},
      );
      return forgotten;
    }) as Client<W>["forget"],
  };
}

/** A topic with its presence, if its slice has one. */
const withPresence = (
  core: Core,
  key: TargetKey,
  { name, presence }: Slice & { readonly presence: SlicePresence | undefined },
  topic: object,
): object =>
  presence
    ? (presence["~page"] as PresencePage)(
        core,
        key,
        topic,
        targetOf,
        touch,
        retain,
        roughSize,
        signal,
        selection,
      )
    : absence(topic, name);

/** What is undefined counts as not given. */
const withDefaults = <W extends Wiring>(options: ClientOptions<W>) => ({
  server: "",
  connect: true,
  heartbeat: 25_000,
  heartbeatTimeout: 10_000,
  connectTimeout: 10_000,
  answerTimeout: 10_000,
  linger: 5_000,
  maxPending: 10_000,
  maxPendingBytes: 16 * 1024 * 1024,
  maxPendingAge: 14 * 24 * 3_600_000,
  clock: systemClock as Clock,
  random: systemRandom,
  wakeUps: onWakeUp,
  onError: reportError,
  ...(Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as ClientOptions<W>),
});

/** Without `onError` errors are at least printed; throwing them would end a Node process. */
const reportError = (error: unknown): void => {
  // oxlint-disable-next-line no-console -- reason: the last resort when the app gave no onError
  console.error(error);
};
