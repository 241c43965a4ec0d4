// One room of the page: its channel, what was said, what is to be said, who is here and who types, and what was read.
import type { Channel, Socket } from "phoenix";
import type { Cursor, Heard, Joining, Line, Page, RoomId, Typing, Wanted, Welcome } from "../shared/chat.ts";
import { newId } from "./names.ts";
import { Outbox } from "./outbox.ts";
import type { Answer, Unsent } from "./outbox.ts";
import { People } from "./people.ts";
import { RoomLines } from "./room-lines.ts";
import { markRead, readUpTo } from "./storage.ts";
import { EARLY, Typists, TYPING_LASTS, TypingSignal } from "./typists.ts";

/** Milliseconds after which is told again what the server did not take, as of one who talks too fast. */
const TELL_AGAIN = 1_000;

export class Room {
  readonly id: RoomId;
  readonly lines = new RoomLines();
  readonly outbox: Outbox;
  readonly people: People;
  readonly typists = new Typists();
  /** What is written in its field. */
  draft = "";
  /** `loading`: nothing has come yet. `away`: what is here may be old. */
  status: "loading" | "joined" | "away" | "refused" = "loading";
  /** The mark of what is new stands behind this line. */
  newAfter: number | undefined;
  #here = false;
  /** What the server was told of that last; undefined: perhaps nothing. */
  #hereTold: boolean | undefined;
  #read: number | undefined;
  readonly #channel: Channel;
  readonly #signal = new TypingSignal();
  readonly #changed: () => void;
  readonly #welcomed: (you: string) => void;
  #asking = false;
  #me = "";

  constructor(options: {
    readonly id: RoomId;
    readonly socket: Socket;
    readonly unsent: readonly Unsent[];
    /** What the server calls this browser. */
    readonly welcomed: (you: string) => void;
    readonly changed: () => void;
  }) {
    const { id, socket, unsent, changed, welcomed } = options;
    this.id = id;
    this.#changed = changed;
    this.#welcomed = welcomed;
    this.#read = readUpTo(id);
    const joining = (): Joining => ({ after: this.lines.cursor, here: (this.#hereTold = this.#here) });
    this.#channel = socket.channel(`room:${id}`, joining);
    this.people = new People(this.#channel, changed);
    this.outbox = new Outbox(unsent, {
      changed,
      push: (line) => this.#say(line),
      later: (milliseconds, run) => void setTimeout(run, milliseconds),
    });
    // What was read in another tab of this browser was read.
    addEventListener("storage", () => this.#readElsewhere());
    this.#listen();
    this.#channel
      .join()
      .receive("ok", (welcome: Welcome) => this.#joined(welcome))
      .receive("error", ({ reason }: { reason?: string }) => {
        // Everything else is asked again by phoenix.js.
        if (reason !== "no such room") return;
        this.#channel.leave();
        this.status = "refused";
        changed();
      });
  }

  say(text: string): void {
    this.#signal.sent();
    this.outbox.add({ id: newId(), text, at: Date.now() });
    this.newAfter = undefined;
  }

  /** The text in the field has changed. */
  typed(text: string): void {
    this.draft = text;
    if (this.status !== "joined") return;
    const typing = this.#signal.changed(text, performance.now());
    if (typing !== undefined) this.#channel.push("typing", { typing });
  }

  /** The page shows this room, or another one from now on: others see who is here. */
  look(here: boolean): void {
    this.#here = here;
    this.#tellHere();
  }

  /** Brings older lines, if there are any. */
  showEarlier(): void {
    const first = this.lines.all[0];
    if (first && this.lines.earlier) this.#ask({ before: first.n }, (page) => this.lines.older(page));
  }

  /** All that is here was seen. */
  markRead(): void {
    const n = this.lines.last?.n;
    if (n === undefined || n === this.#read) return;
    this.#read = n;
    markRead(this.id, n);
    this.#changed();
  }

  /** Sets the mark before what was not read, or takes it away. */
  markNew(): void {
    this.newAfter = this.#read;
  }

  unread(me: string): number {
    const { all } = this.lines;
    return all.filter(({ n, author }) => n > (this.#read ?? 0) && author !== me).length;
  }

  #readElsewhere(): void {
    const read = readUpTo(this.id);
    if (read === undefined || read <= (this.#read ?? 0)) return;
    this.#read = read;
    this.#changed();
  }

  #listen(): void {
    const on = <Event extends keyof Heard>(event: Event, hear: (payload: Heard[Event]) => void): void =>
      void this.#channel.on(event, (payload: Heard[Event]) => {
        hear(payload);
        this.#changed();
      });
    on("line", (line) => this.#take([line], () => this.lines.add(line)));
    on("missed", (page) => this.#take(page.lines, () => this.lines.newer(page)));
    on("typing", (typing: Typing) => {
      this.typists.heard(typing, performance.now());
      if (typing.typing) setTimeout(this.#changed, TYPING_LASTS + EARLY);
    });
    this.#channel.onError(() => {
      if (this.status === "joined") this.status = "away";
      this.typists.clear();
      this.outbox.left();
    });
  }

  #joined(welcome: Welcome): void {
    this.status = "joined";
    this.#me = welcome.you;
    this.#welcomed(welcome.you);
    this.#take(welcome.lines, () => this.lines.newer(welcome));
    const last = this.lines.last?.n ?? 0;
    // What was said before somebody came for the first time is not news to them; and a number beyond the last is of
    // another history.
    if (this.#read === undefined || this.#read > last) {
      this.#read = last;
      markRead(this.id, last);
    }
    this.outbox.joined();
    this.#tellHere();
  }

  /** Every join says it too, as it is by then. */
  #tellHere(): void {
    const here = this.#here;
    if (this.status !== "joined" || here === this.#hereTold) return;
    this.#hereTold = here;
    const again = (): void => {
      this.#hereTold = undefined;
      setTimeout(() => this.#tellHere(), TELL_AGAIN);
    };
    this.#channel.push("here", { here }).receive("error", again).receive("timeout", again);
  }

  /** What is said is not to be said any more, nor typed. */
  #take(lines: readonly Line[], add: () => void): void {
    add();
    for (const { id, author } of lines) {
      if (author === this.#me) this.outbox.remove(id);
      this.typists.said(author);
    }
    const { cursor, gap } = this.lines;
    if (gap && cursor) this.#fill(cursor);
  }

  #fill(after: Cursor): void {
    this.#ask({ after }, (page) => this.#take(page.lines, () => this.lines.newer(page)));
  }

  /** Asks one thing at a time. What is not answered is asked again when there is reason to. */
  #ask(wanted: Wanted, take: (page: Page) => void): void {
    if (this.#asking || this.status !== "joined") return;
    this.#asking = true;
    const done = (): void => {
      this.#asking = false;
      this.#changed();
    };
    this.#channel
      .push("history", wanted)
      .receive("ok", (page: Page) => {
        take(page);
        done();
      })
      .receive("error", done)
      .receive("timeout", done);
  }

  #say({ id, text }: Unsent): Promise<Answer> {
    return new Promise((resolve) => {
      this.#channel
        .push("say", { id, text })
        .receive("ok", ({ line }: { line?: Line }) => {
          if (line) this.#take([line], () => this.lines.add(line));
          resolve("ok");
        })
        .receive("error", ({ reason }: { reason?: string }) =>
          resolve({ reason: reason ?? "The server does not take it." }),
        )
        .receive("timeout", () => resolve("timeout"));
    });
  }
}
