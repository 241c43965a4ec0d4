// A client of a stage that has a Phoenix client and no update functions: the reference client of examples/phoenix-board on
// phoenix.js itself, whose timers are the stage's.
import { Socket } from "phoenix";
import { expect, vi } from "vitest";
import type { Patch } from "../../../../examples/phoenix-board/client/json-patch.ts";
import { SyncedTopic } from "../../../../examples/phoenix-board/client/synced-topic.ts";
import type { Identity, Outcome } from "../../../../examples/phoenix-board/client/synced-types.ts";
import { BridgedLine } from "./bridged-line.ts";
import type { Stage } from "./stage.ts";
import type { Note, NoteMessage } from "./wiring.ts";

export interface BridgedSent {
  readonly id: string;
  outcome: Outcome | undefined;
}

/** What this client shows of a message until it is decided: no rule of the note's, nothing it could be refused for. */
function changeOf(message: NoteMessage): (note: Note) => Patch {
  switch (message.type) {
    case "titled":
      return () => [{ op: "replace", path: "/title", value: message.title }];
    case "added":
      return () => [{ op: "add", path: "/lines/-", value: message.line }];
    case "secret":
      return () => [{ op: "replace", path: "/title", value: "secret" }];
    case "spent":
      return ({ count }) => [{ op: "replace", path: "/count", value: count - message.price }];
    default:
      return () => [];
  }
}

export class BridgedActor {
  readonly line: BridgedLine;
  readonly topic: SyncedTopic<Note>;
  readonly identity: Identity = {};
  /** What was to be seen, each time that something changed. */
  readonly shown: Note[] = [];
  readonly sent: BridgedSent[] = [];
  readonly #stage: Stage;

  private constructor(stage: Stage, name: string, node: number) {
    const { clock } = stage;
    vi.stubGlobal("setTimeout", (run: () => void, milliseconds = 0) => clock.setTimeout(run, milliseconds));
    vi.stubGlobal("clearTimeout", (cancel: (() => void) | undefined) => cancel?.());
    this.#stage = stage;
    this.line = new BridgedLine(stage, stage.nodes[node]!);
    const socket = new Socket("ws://stage/socket", {
      transport: this.line.transport,
      params: () => ({ ...this.identity, token: name }),
      // No connection is opened by chance between two instants of a scenario.
      reconnectAfterMs: () => 100,
      rejoinAfterMs: () => 100,
    });
    this.topic = new SyncedTopic<Note>(socket, this.identity, "note:1", () => this.#changed());
    socket.connect();
  }

  /** Connected and joined. */
  static async at(stage: Stage, name: string, { node = 0 }: { readonly node?: number } = {}) {
    const actor = new BridgedActor(stage, name, node);
    await stage.settle();
    expect(actor.topic.status).toBe("joined");
    return actor;
  }

  #changed(): void {
    const { visible, confirmed, pending } = this.topic;
    if (visible === undefined) return;
    this.shown.push(visible);
    if (pending.length === 0) expect(visible).toBe(confirmed);
  }

  get model(): Note | undefined {
    return this.topic.visible;
  }
  dispatch(message: NoteMessage): BridgedSent {
    const told = this.topic.dispatch([message], changeOf(message));
    const sent: BridgedSent = { id: this.topic.pending.at(-1)!.id, outcome: undefined };
    void told.then((outcome) => (sent.outcome = outcome));
    this.sent.push(sent);
    return sent;
  }

  /** How it was brought up to date, each time that it joined: `snapshot: first`. */
  get resyncs(): string[] {
    return this.line.frames.toClient.flatMap(([event, payload]) => {
      const { response } = payload as { readonly response?: { resync?: string; reason?: string } };
      return event === "phx_reply" && response?.resync !== undefined
        ? [`${response.resync}: ${response.reason}`]
        : [];
    });
  }

  /** Once all is mended: it has what the log has, and each of its messages is there once, or was refused, as it was told. */
  async rests(): Promise<void> {
    this.line.reachable = true;
    this.line.pass();
    await this.#stage.run(5_000);
    const { topic, sent } = this;
    const { model, sequence } = this.#stage.place();
    expect([topic.status, topic.pending, topic.visible]).toEqual([
      "joined",
      [],
      JSON.parse(JSON.stringify(model)),
    ]);
    const ids = this.#stage.records().map(({ id }) => id);
    expect(ids).toHaveLength(sequence);
    for (const { id, outcome } of sent) {
      expect(outcome, "a caller was told nothing").toBeDefined();
      const places = ids.flatMap((other, i) => (other === id ? [i + 1] : []));
      expect(places).toEqual(outcome?.status === "ok" ? [outcome.sequence] : []);
    }
  }
}
