// Who is here, in a page: what it says of itself on one topic, when it says it, and whom it was told of. Of one life of a
// target; a connection may come and go meanwhile. Not here: what the app calls (presence-page.ts).
import { DEV } from "#dev/switch";
import type { Cancel, SteadyClock } from "../base/clock.ts";
import { CallaError } from "../base/errors.ts";
import type { ErrorCode } from "../codes/error-codes.ts";
import type { AnyCode } from "../codes/unions.ts";
import { deepFreeze } from "../values/freeze.ts";
import { authorTag } from "../wire/author.ts";
import type { ClientFrame, ClientFrames, ServerFrame, ServerFrames, WireMember } from "../wire/protocol.ts";
import { listed } from "./members.ts";
import type { AnyMember, MemberList } from "./members.ts";

/** Milliseconds for which a list stays that nobody continues: by then the others see this client gone. */
const AWAY = 15_000;
/** Milliseconds in which what belongs to one whole arrives. */
const MOMENT = 100;
/** Milliseconds after which what was missed, and asked for in vain, is asked for again. */
const ASK_AGAIN = 1_000;
/** However long a server says to wait: one that errs, or means harm, silences nobody. */
const LONGEST_PAUSE = 60_000;
/** A server that errs, or means harm, fills no memory. */
const MOST_MEMBERS = 131_072;
/** Members that are asked for at once. */
const PAGE = 100;

type Stop = () => void;

/** A client, for the code of presence. */
export interface PresenceHost {
  readonly clock: SteadyClock;
  readonly strict: boolean;
  readonly line: { send(frames: readonly ClientFrame[]): void };
  readonly report: (error: unknown) => void;
  /** Compares two metas. */
  same(a: unknown, b: unknown): boolean;
  /** The server has let us in. */
  readonly open: boolean;
  readonly closed: boolean;
  /** Why the server will not have this client back. */
  readonly terminal: string;
  readonly identity?: { readonly clientId: string } | undefined;
  readonly userId: string | null;
  /** Milliseconds. */
  readonly linger: number;
  readonly answerTimeout: number;
  lastRef: number;
}

/** A target of that client, for the same. */
export interface PresenceTarget {
  readonly key: string;
  readonly subscription: { readonly phase: string; readonly ref: number; readonly code: string };
  presence?: PresenceHook | undefined;
}

/** What the client's engine calls. */
export interface PresenceHook {
  /** A frame about this target, once the engine has taken it. */
  hear(frame: ServerFrame): void;
  /** The end of a turn in which something of the target has changed. */
  turned(): void;
  /** What this page was told last and has said last, for the server to compare (PC17); undefined: nothing. */
  ping(): PresencePing | undefined;
}
/** Of one target in a `Ping`. */
export type PresencePing = NonNullable<ClientFrames["Ping"]["presence"]>[number];

/** What there is to show. */
export interface AnyPresence {
  readonly status: "loading" | "live" | "stale";
  readonly list: MemberList;
  readonly self: AnyMember | undefined;
  readonly count: number;
  readonly counted: boolean;
}

interface Page {
  readonly members: readonly AnyMember[];
  readonly next: number | undefined;
}

/** A question for members. */
interface Question {
  readonly after: number;
  readonly resolve: (page: Page) => void;
  readonly reject: (error: unknown) => void;
  /** The subscription under which it was asked; -1: it is to be asked. */
  under: number;
  late: Cancel | undefined;
}

/** What is wanted of the presence as it was last said. */
interface Said {
  readonly ref: number;
  readonly meta: unknown;
  readonly watch: boolean;
  readonly number: number;
}

/** What a page needs of its client beside the host. */
export interface RecordTools {
  touch(): void;
  /** A meta as it is here; undefined: it does not match the schema. */
  read(meta: unknown): unknown;
  readonly changes: { emit(now: AnyPresence): void };
}

const NOTHING: AnyPresence = {
  status: "loading",
  list: new Map(),
  self: undefined,
  count: 0,
  counted: false,
};

export type PagePresence = ReturnType<typeof createPagePresence>;

export function createPagePresence(
  host: PresenceHost,
  { key: id, subscription }: PresenceTarget,
  { touch, read, changes }: RecordTools,
) {
  const { clock } = host;
  /** By tag; of a topic that is only counted nobody. */
  const members = new Map<number, AnyMember>();
  /** Those of before `whole` whom it has not named yet: they go a moment later, for more of it may follow. */
  const former = new Map<number, AnyMember>();
  let settling: Cancel | undefined;
  /** Its members, or their number, were told, and not too long ago. */
  let known = false;
  let counted: number | undefined;
  /** Names what was told last; 0: nothing. */
  let at = 0;
  /** Under which subscription the last whole was told. */
  let wholeOf = -1;
  /** When what was missed may be asked for again: the question may be lost, or refused for its rate. */
  let missed = -Infinity;
  /** It is not continued, and gone when this runs out. */
  let away: Cancel | undefined;
  /** A member was left out, and reported. */
  let blamed = false;

  /** What the app tracks; undefined: nothing. */
  let wish: unknown;
  /** The server has refused it, so what it lists counts. */
  let refused = false;
  /** The server keeps no word of this topic: nothing is to be asked of it. */
  let unkept = false;
  /** As which user that was first said. */
  let owner: string | null | undefined;
  let ownKey: string | undefined;
  /** Those who want to be told, and for a while after the last. */
  let watchers = 0;
  let lingering: Cancel | undefined;
  let said: Said | undefined;
  /** The server wants the next meta later. */
  let waiting: Cancel | undefined;
  const questions = new Map<number, Question>();
  /** Whom the connection speaks for. */
  let speaker: string | undefined;

  let view = NOTHING;
  let told = NOTHING;
  let listeners = 0;

  const ownTag = (): number | null => (host.identity ? authorTag(host.identity.clientId, id) : null);
  const own = (): AnyMember | undefined => members.get(ownTag() ?? -1);
  const watches = (): boolean => watchers > 0 || lingering !== undefined;

  // ---------------------------------------------------------------------------------------------------- what is told

  function forgetList(): void {
    members.clear();
    former.clear();
    settling?.();
    settling = undefined;
    known = false;
    missed = -Infinity;
    at = 0;
    counted = undefined;
    away?.();
    away = undefined;
  }

  /** Nobody flickers in a short cut (PC5). */
  function lose(): void {
    if (!known || away) return;
    away = clock.setTimeout(() => {
      forgetList();
      touch();
    }, AWAY);
  }

  function memberOf([from, key, value]: WireMember): AnyMember | undefined {
    const was = members.get(from) ?? former.get(from);
    if (was?.key === key && host.same(was.meta, value)) return was;
    const meta = read(value);
    if (meta === undefined) {
      if (!blamed) host.report(new CallaError("invalid", { target: id, meta: value }, DEV && STRAY(id)));
      blamed = true;
      return undefined;
    }
    return { key, meta: host.strict ? deepFreeze(meta) : meta, from, self: from === ownTag() };
  }

  /** Asks for what was missed, once a second until it is told: where others go on changing, no silence leads to a ping. */
  function miss(): void {
    const now = ping();
    const time = clock.monotonic();
    if (time < missed || !now) return;
    missed = time + ASK_AGAIN;
    host.line.send([{ type: "Ping", cursors: [], presence: [now] }]);
  }

  function ping(): PresencePing | undefined {
    if (!said || waiting || said.ref !== subscription.ref || unkept) return undefined;
    return [id, at, said.watch || said.meta !== undefined ? said.number : 0];
  }

  function presence(frame: ServerFrames["Presence"]): void {
    const { after, joins, leaves, count } = frame;
    // Of a list that is not asked for, or that it does not begin, nothing is kept.
    if (!said?.watch || (after !== undefined && !known)) return;
    if (after !== undefined && after !== at) {
      // Heard twice, or behind one that never came.
      if (frame.at !== at) miss();
      return;
    }
    if (after === undefined) {
      const before = [...members];
      forgetList();
      known = true;
      for (const [tag, member] of before) former.set(tag, member);
      settling = clock.setTimeout(() => {
        former.clear();
        touch();
      }, MOMENT);
    }
    if (after === undefined) wholeOf = subscription.ref;
    at = frame.at;
    missed = -Infinity;
    // Before anybody goes: who comes again as it was stays the same object.
    const came = count === undefined ? joins.map((join) => [join[0], memberOf(join)] as const) : [];
    for (const tag of [...leaves, ...came.map(([tag]) => tag)]) {
      members.delete(tag);
      former.delete(tag);
    }
    if (count !== undefined) {
      members.clear();
      former.clear();
      counted = count;
      return;
    }
    counted = undefined;
    for (const [tag, member] of came) {
      if (member && members.size < MOST_MEMBERS) members.set(tag, member);
    }
    ownKey = own()?.key ?? ownKey;
  }

  function untracked({ code, retryAfter, details }: ServerFrames["Untracked"]): void {
    // Its subscription has ended meanwhile, and with the next one it is said again.
    if (!said || code === "not-subscribed") return;
    waiting?.();
    waiting = undefined;
    if (retryAfter !== undefined) {
      // What is newest by then is said, also that it only wants to be told, or not to be listed.
      waiting = clock.setTimeout(
        () => {
          waiting = said = undefined;
          touch();
        },
        Math.min(retryAfter, LONGEST_PAUSE),
      );
      return;
    }
    unkept = code === "no-presence" || code === "too-many-topics";
    // Said twice by a poll, it is refused twice.
    if (wish === undefined || refused) return;
    refused = true;
    said = { ...said, meta: own()?.meta };
    host.report(
      new CallaError(
        code as AnyCode,
        { ...Object(details), target: id },
        DEV && REFUSED(id, code, own() !== undefined),
      ),
    );
  }

  function answered({ ref, members: some, more }: ServerFrames["Members"]): void {
    const question = questions.get(ref);
    if (!question) return;
    questions.delete(ref);
    question.late?.();
    question.resolve({
      members: some.map(memberOf).filter((one) => one !== undefined),
      next: more ? some.at(-1)?.[0] : undefined,
    });
  }

  function refuseQuestions(code: string): void {
    for (const [ref, { reject, late }] of questions) {
      questions.delete(ref);
      late?.();
      reject(new CallaError(code as ErrorCode));
    }
  }

  // ----------------------------------------------------------------------------------------------------- what is said

  /** In a conversation that is subscribed, whatever differs from what it was told (PC2). */
  function say(ref: number): void {
    const { identity, userId } = host;
    // Another client's list has another tag for oneself.
    if (speaker !== undefined && speaker !== identity?.clientId) forgetList();
    speaker = identity?.clientId;
    if (wish !== undefined && owner !== undefined && owner !== userId) {
      host.report(new CallaError("closed", { target: id }, DEV && STRANGER(id)));
      drop();
    }
    if (wish !== undefined) owner = userId;
    const meta = refused ? own()?.meta : wish;
    const watch = watches();
    const anew = said?.ref !== ref;
    const same = said?.watch === watch && host.same(said.meta, meta);
    // What was nothing is said once: an earlier connection may have left more.
    if (anew ? (same || !said) && !watch && meta === undefined : same || waiting) return;
    sayAnew(ref, meta, watch);
  }

  function sayAnew(ref: number, meta: unknown, watch: boolean): void {
    // Another connection, or another time of the server's, may name another state so.
    if (said?.ref !== ref && wholeOf !== ref) at = 0;
    // What is said again is the same word: a stream over HTTP has begun with it (PC18).
    const number = said?.watch === watch && host.same(said.meta, meta) ? said.number : ++host.lastRef;
    said = { ref, meta, watch, number };
    unkept = false;
    host.line.send([{ type: "Track", target: id, number, ...(meta === undefined ? {} : { meta }), watch }]);
  }

  function ask(ref: number): void {
    for (const [name, question] of questions) {
      if (question.under === ref) continue;
      question.under = ref;
      question.late?.();
      question.late = clock.setTimeout(() => {
        question.under = -1;
        touch();
      }, host.answerTimeout);
      host.line.send([{ type: "ListMembers", target: id, ref: name, after: question.after, most: PAGE }]);
    }
  }

  function drop(): void {
    wish = owner = ownKey = undefined;
    refused = false;
    if (!waiting) return;
    waiting();
    // The server has taken nothing of what waited, not even that this page watches.
    waiting = said = undefined;
  }

  // ---------------------------------------------------------------------------------------------------- what is shown

  function selfNow(): AnyMember | undefined {
    if (wish === undefined) return undefined;
    const listedAs = own();
    if (refused) return listedAs;
    const from = ownTag();
    // Until the server says under which key: the one that it gives unless the app says another.
    const key = listedAs?.key ?? ownKey ?? host.userId ?? String(from ?? "");
    const was = [listedAs, view.self].find(
      (one) => one?.key === key && one.from === from && host.same(one.meta, wish),
    );
    return was ?? { key, meta: wish, from, self: true };
  }

  /** The same object until something in it changes. */
  function look(): AnyPresence {
    const self = selfNow();
    const tag = ownTag();
    const all = [...former.values(), ...members.values()].filter(({ from }) => from !== tag);
    const list = listed(self ? [...all, self] : all, view.list);
    const status = !known ? "loading" : away || !host.open ? "stale" : "live";
    const count = counted ?? all.length + (self ? 1 : 0);
    const same =
      status === view.status &&
      list === view.list &&
      self === view.self &&
      count === view.count &&
      view.counted === (counted !== undefined);
    return same ? view : (view = { status, list, self, count, counted: counted !== undefined });
  }

  const record = {
    look,
    ping,
    hear(frame: ServerFrame): void {
      if (frame.type === "Presence") presence(frame);
      else if (frame.type === "Untracked") untracked(frame);
      else if (frame.type === "Members") return answered(frame);
      else if (frame.type === "Unsubscribed") lose();
      else return;
      touch();
    },
    turned(): void {
      const { phase, ref, code } = subscription;
      if (host.closed) drop();
      const why = host.closed ? "closed" : phase === "refused" ? code : host.terminal;
      if (why) refuseQuestions(why);
      if (phase === "off" || phase === "refused") forgetList();
      else if (!host.open) lose();
      else if (phase === "answered") {
        say(ref);
        if (!watches()) forgetList();
        ask(ref);
      }
      if (listeners > 0 && told !== look()) changes.emit((told = view));
    },
    track(meta: unknown): void {
      if (!host.same(wish, meta)) wish = meta;
      refused = false;
      touch();
    },
    untrack(): void {
      drop();
      touch();
    },
    /** One more who wants to be told. Returns its undo. */
    watch(): Stop {
      watchers++;
      lingering?.();
      lingering = undefined;
      touch();
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        if (--watchers > 0 || host.closed) return;
        lingering = clock.setTimeout(() => {
          lingering = undefined;
          touch();
        }, host.linger);
      };
    },
    /** A listener comes: 1, or goes: -1. */
    listens(by: 1 | -1): void {
      if ((listeners += by) === 1) told = look();
    },
    ask(after: number): Promise<Page> {
      return new Promise((resolve, reject) => {
        questions.set(++host.lastRef, { after, resolve, reject, under: -1, late: undefined });
        touch();
      });
    },
  };
  return record;
}

const STRAY = (id: string): string =>
  `A member of "${id}" has a meta that its schema does not take, and is not listed. Where the form of metas has changed, raise the slice's version.`;
const REFUSED = (id: string, code: string, stays: boolean): string =>
  `The server does not take what is tracked on "${id}" (${code}): ${stays ? "the former meta stays" : "this client is not listed"} until presence.track gives another.`;
const STRANGER = (id: string): string =>
  `Another user is signed in, so what was tracked on "${id}" is said no more; track anew.`;
