// The parts of the fixture app: what a server must offer so that conversations can be played, read from the conversations
// themselves.
import type { Scenario } from "../recording/recording.ts";

/** A socket of the app, and where it is tried whether a server has it. */
export interface Mount {
  readonly websocket?: string;
  readonly longpoll?: string;
}

/** By their paths. README.md says what each is. */
export const mounts: Readonly<Record<string, Mount>> = {
  "/socket": {
    websocket: "/socket/websocket?vsn=2.0.0",
    longpoll: "/socket/longpoll?vsn=2.0.0",
  },
  "/quick": { websocket: "/quick/websocket?vsn=2.0.0", longpoll: "/quick/longpoll?vsn=2.0.0" },
  "/few": { websocket: "/few/websocket?vsn=2.0.0", longpoll: "/few/longpoll?vsn=2.0.0" },
  "/auth": { websocket: "/auth/websocket?vsn=2.0.0", longpoll: "/auth/longpoll?vsn=2.0.0" },
  "/sub": { websocket: "/sub/websocket?vsn=2.0.0" },
  "/origin": { websocket: "/origin/websocket?vsn=2.0.0", longpoll: "/origin/longpoll?vsn=2.0.0" },
  "/var": { websocket: "/var/t1/custom/m1?vsn=2.0.0", longpoll: "/var/t1/poll?vsn=2.0.0" },
  "/v1only": { websocket: "/v1only/websocket?vsn=1.0.0" },
  "/socket/admin": { websocket: "/socket/admin/websocket?vsn=2.0.0" },
  "/decides": { websocket: "/decides/websocket?vsn=2.0.0" },
  "/anywhere": { websocket: "/anywhere/websocket?vsn=2.0.0" },
  "/limited": { websocket: "/limited/websocket?vsn=2.0.0", longpoll: "/limited/longpoll?vsn=2.0.0" },
  "/raw": { websocket: "/raw/websocket?vsn=2.0.0" },
  "/slow": { websocket: "/slow/websocket?vsn=2.0.0" },
  "/crowded": { websocket: "/crowded/websocket?vsn=2.0.0", longpoll: "/crowded/longpoll?vsn=2.0.0" },
};

/** Topics, each an example of its pattern, all on `/socket`. Not here: what only one mode has. */
export const topics: Readonly<Record<string, string>> = {
  "room:*": "room:probe",
  "room:exact": "room:exact",
  "watch:*": "watch:term",
  system: "system",
  top: "top",
  räume: "räume",
};

/** The parts that a conversation needs: `/quick over LongPoll`, `topic room:*`. */
export function partsOf({ steps }: Scenario): string[] {
  const parts = new Set<string>();
  for (const step of steps) {
    if (!("do" in step)) continue;
    if ("path" in step) {
      const part = mountPart(step.path);
      if (part !== undefined) parts.add(part);
    }
    const text = step.do === "text" ? step.text : step.do === "request" ? step.body : undefined;
    for (const [pattern, topic] of Object.entries(topics)) {
      if (text !== undefined && joins(text, pattern, topic)) parts.add(topicPart(pattern));
    }
  }
  return [...parts];
}

export const topicPart = (pattern: string): string => `the topic ${pattern}`;

/** The part that a path belongs to; undefined of one that a server should not know. */
export function mountPart(path: string): string | undefined {
  const [plain = ""] = path.split("?");
  // Of a mount and one below it, the longer.
  const name = Object.keys(mounts)
    .filter((mount) => plain === mount || plain.startsWith(`${mount}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  const by = isPolled(path) ? "longpoll" : "websocket";
  if (name === undefined || mounts[name]?.[by] === undefined) return undefined;
  return `${name} over ${by === "longpoll" ? "LongPoll" : "WebSocket"}`;
}

const isPolled = (path: string): boolean => /\/(longpoll|poll)\/?(\?|$)/.test(path);

/** Whether a conversation is had over LongPoll, wholly or in part. */
export const polls = ({ steps }: Scenario): boolean =>
  steps.some((step) => "do" in step && "path" in step && isPolled(step.path));

/** Whether a frame, V2 or V1, joins a topic of a pattern. */
function joins(text: string, pattern: string, example: string): boolean {
  if (!text.includes("phx_join")) return false;
  if (pattern === example) return text.includes(JSON.stringify(example));
  return text.includes(`"${pattern.slice(0, -1)}`);
}

/** Whether a conversation makes the server end: others must be over by then. */
export function endsServer({ steps }: Scenario): boolean {
  return steps.some(
    (step) =>
      "do" in step &&
      ((step.do === "text" && step.text.includes('"drain_me"')) ||
        (step.do === "request" && step.path === "/admin/stop")),
  );
}
