// PR: who is present on a topic.
import type { Json, Step } from "../recording/recording.ts";
import type { Check, Peer, PeerConnection } from "./check.ts";
import { PresenceList, shownState } from "./presence-list.ts";
import { hears, joins, opens, replied, says, SOCKET } from "./steps.ts";

const NODES = "It needs several nodes, and the kit is pointed at one.";
/** `a` and `b` are on the topic, and `a` has tracked anna. */
const annaIsThere = (topic: string): Step[] => [
  ...opens(SOCKET, "a"),
  ...opens(SOCKET, "b"),
  ...joins(topic, {}, { who: "a" }),
  ...joins(topic, {}, { who: "b" }),
  ...tracks(topic, "anna", "a"),
  diff(topic, { joins: { anna: meta(1) } }, "b"),
];
const meta = (n: number, more: Readonly<Record<string, Json>> = { v: 1 }): Json => ({
  metas: [{ phx_ref: `{{ref:${n}}}`, ...more }],
});
/** It may come before or behind an answer. */
const diff = (topic: string, change: { joins?: Json; leaves?: Json }, who?: string): Step => ({
  ...hears([null, null, topic, "presence_diff", { joins: {}, leaves: {}, ...change }], who),
  floats: true,
});
/** `who` tracks `{v: 1}` under a key, as the first of the conversation. */
const tracks = (topic: string, key: string, who?: string): Step[] => [
  says(["1", "2", topic, "track", { key, meta: { v: 1 } }], who),
  hears(replied(topic, ["1", "2"], { ref: "{{ref:1}}" }), who),
  diff(topic, { joins: { [key]: meta(1) } }, who),
];
const CROWDED = "/crowded/websocket?vsn=2.0.0";
const counted = (count: number): Step =>
  hears([null, null, "room:presence-crowded", "presence_count", { count }]);
const ODD_KEYS = ["constructor", "toString", "hasOwnProperty", "zoë", "a b/c"];

export const presenceChecks: readonly Check[] = [
  {
    id: "PR1",
    says: "Who tracks is told of in a presence_diff to all on the topic, the tracker too, with both refs null: the metas under their key, each with its phx_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-track-list", "presence-two-metas", "client-presence"],
    overLongPoll: ["presence-track-list"],
  },
  {
    id: "PR2",
    says: "A presence_state lists all who are present, by their keys; nobody is {}.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-track-list", "presence-list-empty", "client-presence"],
    overLongPoll: ["presence-list-empty"],
  },
  {
    id: "PR3",
    says: "Two connections under one key are two metas, in the order in which they tracked.",
    over: ["websocket"],
    scenarios: ["presence-two-metas"],
  },
  {
    id: "PR4",
    says: "An update is one diff: the join has a new phx_ref and the old one as phx_ref_prev, the leave has the old meta.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-update", "client-presence"],
    overLongPoll: ["presence-update"],
  },
  {
    id: "PR5",
    says: "A state has the phx_ref_prev of whoever has updated.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-update"],
    overLongPoll: ["presence-update"],
  },
  {
    id: "PR6",
    says: "However somebody goes, by untrack, leave, crash, the end of the connection, or another join, the others are told of the leave, once.",
    over: ["websocket", "longpoll"],
    scenarios: [
      "presence-untrack",
      "presence-leave",
      "presence-crash",
      "presence-rejoin",
      "presence-two-metas",
      "client-presence",
    ],
    written: [
      {
        scenario: "presence-vanish",
        about: "the connection is cut",
        steps: [
          ...annaIsThere("room:presence-vanish"),
          { who: "a", do: "vanish" },
          diff("room:presence-vanish", { leaves: { anna: meta(1) } }, "b"),
        ],
      },
      {
        scenario: "presence-stop",
        about: "the app stops the channel",
        steps: [
          ...annaIsThere("room:presence-stop"),
          says(["1", "3", "room:presence-stop", "stop_normal", {}], "a"),
          hears(["1", "1", "room:presence-stop", "phx_close", {}], "a"),
          {
            ...diff("room:presence-stop", { leaves: { anna: meta(1) } }, "a"),
            maybe: true,
          },
          diff("room:presence-stop", { leaves: { anna: meta(1) } }, "b"),
        ],
      },
    ],
    overLongPoll: ["presence-untrack", "presence-leave", "presence-crash", "presence-stop"],
  },
  {
    id: "PR7",
    says: "What the app's fetch adds stands beside metas, in states and in diffs.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-fetch"],
    overLongPoll: ["presence-fetch"],
  },
  {
    id: "PR8",
    says: "A key may be any text, such as __proto__; a number is one.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-proto-key", "presence-number-key"],
    written: ODD_KEYS.map((key, i) => ({
      scenario: `presence-key-${i + 1}`,
      about: `the key ${key}`,
      steps: [
        ...opens(),
        ...joins(`room:presence-key-${i + 1}`),
        ...tracks(`room:presence-key-${i + 1}`, key),
        says(["1", "3", `room:presence-key-${i + 1}`, "list", {}]),
        hears(["1", null, `room:presence-key-${i + 1}`, "presence_state", { [key]: meta(1) }]),
        hears(replied(`room:presence-key-${i + 1}`, ["1", "3"])),
      ],
    })),
    overLongPoll: ["presence-proto-key"],
  },
  {
    id: "PR9",
    says: "A phx_ref in a client's own meta is written beside the server's, and a parser keeps the client's. (Calla: the server's only; no client names an entry.)",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-meta-phx-ref"],
    overLongPoll: ["presence-meta-phx-ref"],
  },
  {
    id: "PR10",
    says: "To track again under one key is an error, and so is an update of what is not tracked; to untrack it is nothing.",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-track-twice", "presence-update-untracked", "presence-untrack"],
    overLongPoll: ["presence-track-twice", "presence-update-untracked"],
  },
  {
    id: "PR11",
    says: "Each phx_ref is a text that no other meta has, nor had.",
    over: ["websocket"],
    scenarios: ["presence-two-metas", "presence-update", "presence-rejoin"],
    needs: ["/socket"],
    run: refsAreUnique,
  },
  {
    id: "PR12",
    says: "A client that goes by a state and the diffs comes to the list of the server, whatever is tracked, updated and untracked meanwhile.",
    over: ["websocket", "longpoll"],
    needs: ["/socket", "/socket/longpoll"],
    run: clientsAgree,
  },
  {
    id: "PR13",
    says: "In version 1 states and diffs are objects with ref null.",
    over: ["websocket"],
    scenarios: ["presence-v1"],
  },
  {
    id: "PR14",
    says: "One channel may track several keys, each told of in a diff of its own. (Calla: in one, what changes in one turn.)",
    over: ["websocket", "longpoll"],
    scenarios: ["presence-two-keys"],
    overLongPoll: ["presence-two-keys"],
  },
  {
    id: "PR15",
    says: 'Who is tracked under no name (the key "") is neither listed nor told of.',
    over: ["websocket", "longpoll"],
    only: "calla",
    written: [
      {
        scenario: "presence-unnamed",
        about: "the key is empty",
        steps: [
          ...opens(),
          ...joins("room:presence-unnamed"),
          says(["1", "2", "room:presence-unnamed", "track", { key: "", meta: { v: 1 } }]),
          hears(replied("room:presence-unnamed", ["1", "2"], { ref: "{{ref:1}}" })),
          says(["1", "3", "room:presence-unnamed", "list", {}]),
          hears(["1", null, "room:presence-unnamed", "presence_state", {}]),
          hears(replied("room:presence-unnamed", ["1", "3"])),
        ],
      },
    ],
    overLongPoll: ["presence-unnamed"],
  },
  {
    id: "PR16",
    says: "Those of other nodes are listed and told of; when a node is gone, its members leave, and come again with it.",
    over: ["websocket"],
    notRun: NODES,
  },
  {
    id: "PR17",
    says: "A node that is stopped says so, and its members leave at once.",
    over: ["websocket"],
    notRun: NODES,
  },
  {
    id: "PR18",
    says: "On a topic with more members than are listed clients are told how many there are (presence_count), and never a part of them; when there are few again, all.",
    over: ["websocket", "longpoll"],
    only: "calla",
    written: [
      {
        scenario: "presence-crowded",
        about: "the limit is 2: a third comes, and two go",
        steps: [
          ...opens(CROWDED),
          ...joins("room:presence-crowded"),
          ...tracks("room:presence-crowded", "anna"),
          says(["1", "3", "room:presence-crowded", "track", { key: "bob", meta: {} }]),
          hears(replied("room:presence-crowded", ["1", "3"], { ref: "{{ref:2}}" })),
          diff("room:presence-crowded", { joins: { bob: meta(2, {}) } }),
          says(["1", "4", "room:presence-crowded", "track", { key: "eve", meta: {} }]),
          hears(replied("room:presence-crowded", ["1", "4"], { ref: "{{ref:3}}" })),
          { ...counted(3), floats: true },
          says(["1", "5", "room:presence-crowded", "list", {}]),
          hears(["1", null, "room:presence-crowded", "presence_count", { count: 3 }]),
          hears(replied("room:presence-crowded", ["1", "5"])),
        ],
      },
    ],
    overLongPoll: ["presence-crowded"],
  },
];

const joined = async (peer: Peer, topic: string, polls = false): Promise<PeerConnection> => {
  const connection = polls ? await peer.longpoll("/socket/longpoll?vsn=2.0.0") : await peer.websocket(SOCKET);
  connection.text(["1", "1", topic, "phx_join", {}]);
  await connection.hearsFrames(replied(topic, ["1", "1"]));
  return connection;
};

/** The next frame, in its parts. */
async function frame(connection: PeerConnection): Promise<readonly Json[]> {
  const heard = await connection.next();
  return heard.hear === "text" && Array.isArray(heard.json) ? heard.json : [];
}

/** Hears on until a message is answered, and tells what it hears meanwhile. */
async function answer(
  connection: PeerConnection,
  ref: string,
  meanwhile: (event: Json | undefined, payload: Json) => void = () => undefined,
): Promise<Json> {
  for (;;) {
    const [, answered, , event, payload = null] = await frame(connection);
    if (event === "phx_reply" && answered === ref) {
      return (payload as { readonly response?: Json }).response ?? null;
    }
    meanwhile(event, payload);
  }
}

async function refsAreUnique(peer: Peer): Promise<void> {
  const topic = peer.topic();
  const seen: Json[] = [];
  for (const connection of [await joined(peer, topic), await joined(peer, topic)]) {
    let ref = 1;
    for (const event of ["track", "update", "update", "untrack", "track"]) {
      for (const key of ["a", "b"]) {
        ref += 1;
        connection.text(["1", `${ref}`, topic, event, { key, meta: { n: ref } }]);
        const response = await answer(connection, `${ref}`);
        if (event !== "untrack") seen.push((response as { readonly ref?: Json }).ref ?? null);
      }
    }
  }
  const wrong = seen.find((ref, i) => typeof ref !== "string" || ref === "" || seen.indexOf(ref) !== i);
  if (wrong !== undefined) peer.fail("A phx_ref is none, or one that was there before.", "another", wrong);
}

/** Three who track, update and untrack two keys each, all at once, and two who follow, one of them from the middle on. */
async function clientsAgree(peer: Peer): Promise<void> {
  const topic = peer.topic();
  const actors = [await joined(peer, topic), await joined(peer, topic), await joined(peer, topic)];
  const rounds = 12;
  const act = (from: number, to: number): void => {
    for (const [i, actor] of actors.entries()) {
      for (let n = from; n < to; n += 1) {
        const key = `k${(n + i) % 2}`;
        // Of a key: track, update, update, untrack, and so on, each actor at another place of it.
        const event = ["track", "update", "update", "untrack"][(n >> 1) % 4] ?? "";
        actor.text(["1", `${n + 2}`, topic, event, { key, meta: { actor: i, n } }]);
      }
    }
  };
  const followers = [await Follower.of(peer, topic), await Follower.of(peer, topic, true)];
  const [early, late] = followers;
  await early?.asks();
  act(0, rounds);
  await late?.asks();
  act(rounds, 2 * rounds + 2);
  for (const actor of actors) await answer(actor, `${2 * rounds + 3}`);
  for (const follower of followers) await follower.agrees();
}

class Follower {
  readonly #peer: Peer;
  readonly #connection: PeerConnection;
  readonly #topic: string;
  readonly #list = new PresenceList();
  #ref = 1;
  #state: Json = null;

  private constructor(peer: Peer, connection: PeerConnection, topic: string) {
    this.#peer = peer;
    this.#connection = connection;
    this.#topic = topic;
  }

  static async of(peer: Peer, topic: string, polls = false): Promise<Follower> {
    return new Follower(peer, await joined(peer, topic, polls), topic);
  }

  /** Asks for the state, and follows from there; once it has one, by diffs alone. */
  async asks(): Promise<void> {
    const first = this.#state === null;
    this.#ref += 1;
    this.#connection.text(["1", `${this.#ref}`, this.#topic, "list", {}]);
    await answer(this.#connection, `${this.#ref}`, (event, payload) => {
      if (event === "presence_diff") this.#list.diff(payload);
      if (event !== "presence_state") return;
      this.#state = payload;
      if (first) this.#list.state(payload);
    });
  }

  /** A diff may come behind a state that has it; so not at once. */
  async agrees(): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      await this.asks();
      if (this.#list.shown === shownState(this.#state)) return;
      await this.#peer.pause(50);
    }
    this.#peer.fail(
      "The diffs do not come to the server's list.",
      JSON.parse(shownState(this.#state)),
      JSON.parse(this.#list.shown),
    );
  }
}
