// Asks a server, before anything is played, whether it is there, speaks Phoenix, and has the parts of the fixture app that are
// needed: one sentence with the cure in place of two hundred failures.
import type { ReplayOptions } from "../replay/replay.ts";
import type { Hearing } from "../recording/recording.ts";
import { reach } from "../wire/reach.ts";
import { mountPart, mounts, topicPart, topics } from "./parts.ts";
import { CheckPeer, Wrong } from "./peer.ts";
import type { Target } from "./target.ts";

export interface Probed {
  /** Why nothing can be played. */
  readonly problem?: string;
  /** The parts that it does not have. */
  readonly lacks: ReadonlySet<string>;
}

const GUIDE = "The README of this package says what the fixture app is.";
/** A server that is there answers these at once. */
const PATIENCE = 3000;

/** Whether somebody listens: undefined, or what went wrong. */
export async function unreachable(target: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = reach(target);
    const done = (what?: string): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(what);
    };
    const late = setTimeout(() => done("no connection within 3 s"), PATIENCE);
    socket.once(target.secure ? "secureConnect" : "connect", () => done());
    socket.once("error", (error) => done(error.message || "the connection was refused"));
  });
}

/** What a server has of the parts that are needed. */
export async function probe(
  target: Target,
  needed: ReadonlySet<string>,
  options: ReplayOptions,
): Promise<Probed> {
  const lacks = new Set<string>();
  const away = await unreachable(target);
  if (away !== undefined) {
    return {
      lacks,
      problem: `Nobody answers at ${target.host}:${target.port} (${away}). Start the server, or mend the URL.`,
    };
  }
  const peer = new CheckPeer("probe", "strict", { ...options, patience: PATIENCE });
  try {
    const problem = await noPhoenix(peer, target, needed, lacks);
    if (problem !== undefined) return { lacks, problem };
    await lackedMounts(peer, needed, lacks);
    return { lacks };
  } finally {
    peer.end();
  }
}

/** Why `/socket` is none of a Phoenix server; else the topics that it lacks are noted. */
async function noPhoenix(
  peer: CheckPeer,
  target: Target,
  needed: ReadonlySet<string>,
  lacks: Set<string>,
): Promise<string | undefined> {
  const path = mounts["/socket"]?.websocket ?? "";
  const polls = !needed.has("/socket over WebSocket") && needed.has("/socket over LongPoll");
  try {
    const socket = polls
      ? await peer.longpoll(mounts["/socket"]?.longpoll ?? "")
      : await peer.websocket(path);
    socket.text([null, "1", "phoenix", "heartbeat", {}]);
    const answer = await socket.next();
    if (!isReply(answer, null, "1", "ok")) {
      return `${target.url} opens a WebSocket and does not answer a heartbeat as Phoenix does: it says ${shortly(answer)}. Point the kit at a Phoenix socket.`;
    }
    let ref = 1;
    for (const [pattern, topic] of Object.entries(topics)) {
      if (!needed.has(topicPart(pattern))) continue;
      ref += 1;
      socket.text([String(ref), String(ref), topic, "phx_join", {}]);
      const joined = await socket.next().catch(() => undefined);
      if (joined === undefined || !isReply(joined, String(ref), String(ref), "ok")) {
        lacks.add(topicPart(pattern));
      }
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    const { heard } = error.failure;
    const said = heard === undefined ? "nothing comes" : `it says ${shortly(heard)}`;
    return `${target.url} is no socket of the fixture app: on ${polls ? "the first poll" : "a handshake"}, ${said}. Mount the app at /socket (WebSocket at ${target.prefix}${path.split("?")[0]}). ${GUIDE}`;
  }
}

/** A mount is lacking where its path is unknown; one that refuses is there. */
async function lackedMounts(peer: CheckPeer, needed: ReadonlySet<string>, lacks: Set<string>): Promise<void> {
  for (const { websocket, longpoll } of Object.values(mounts)) {
    for (const path of [websocket, longpoll]) {
      const part = path === undefined ? undefined : mountPart(path);
      if (path === undefined || part === undefined || !needed.has(part)) continue;
      const headers = path === websocket ? HANDSHAKE : {};
      const answer = await peer.ask({ method: "GET", path, headers });
      if (answer === undefined || answer.status === 404) lacks.add(part);
    }
  }
}

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "Y29uZm9ybWFuY2Uta2l0IQ==",
};

/** What a server does not have, in a sentence with the cure. */
export const lackSentence = (part: string): string => `The server lacks ${part}. ${GUIDE}`;

function isReply(hearing: Hearing, joinRef: string | null, ref: string, status: string): boolean {
  if (hearing.hear !== "text" || !Array.isArray(hearing.json)) return false;
  const [j, r, , event, payload] = hearing.json;
  return j === joinRef && r === ref && event === "phx_reply" && payload?.status === status;
}

const shortly = (heard: unknown): string => {
  const text = JSON.stringify(heard);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
