// One way in which what is going on may be a recorded conversation: which of its connections is which, what has been done and
// said, and under which names. It is copied when a client does the next thing, for there may be other ways.
import { randomBytes } from "node:crypto";
import type { Hearing, Json } from "../recording/recording.ts";
import { equals, fill, type Known } from "../replay/forms.ts";
import { mayComeNext } from "../replay/order.ts";
import type { Line, Requested } from "./line.ts";
import { Names, type Said } from "./names.ts";
import { fits } from "./opening.ts";
import type { Act, Script } from "./script.ts";

/** A thing to say, and when. */
export interface Due {
  readonly at: number;
  readonly index: number;
  readonly line: Line;
  readonly hearing: Hearing;
}

type Left = Extract<Act, { act: "hear" }> & { readonly index: number };

export class Play {
  readonly script: Script;
  /** How far what the client says is from the recording: 0 is as recorded. */
  readonly distance: number;
  readonly #names: Names;
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #done: Set<number>;
  readonly #known: Known;

  private constructor(
    script: Script,
    names: Names,
    lines: ReadonlyMap<string, Line>,
    done: ReadonlySet<number>,
    known: Known,
    distance: number,
  ) {
    this.script = script;
    this.#names = names;
    this.#lines = lines;
    this.#done = new Set(done);
    this.#known = new Map(known);
    this.distance = distance;
  }

  static of(script: Script, host: string): Play {
    return new Play(script, new Names(), new Map(), new Set(), new Map([["host", host]]), 0);
  }

  /** How many of the client's acts have been done, and of how many. */
  get progress(): { readonly done: number; readonly of: number } {
    const deeds = [...this.script.acts.entries()].filter(([, { act }]) => act !== "hear" && act !== "open");
    return { done: deeds.filter(([index]) => this.#done.has(index)).length, of: deeds.length };
  }

  get over(): boolean {
    return this.#done.size === this.script.acts.length;
  }

  has(line: Line): boolean {
    return this.#whoOf(line) !== undefined;
  }

  knowsTopic(topic: string): boolean {
    return this.#names.knows(topic);
  }

  /** The lines that take part. */
  get lines(): Iterable<Line> {
    return this.#lines.values();
  }

  /** Whether a line is the one that comes first. */
  firstIs(line: Line): boolean {
    return this.#lines.get(this.script.first) === line;
  }

  /** Whether a line hears what is broadcast to all who watch. */
  watches(line: Line): boolean {
    const who = this.#whoOf(line);
    return this.script.acts.some(
      (act) => act.act === "open" && act.who === who && "about" in act.deed && act.deed.about !== undefined,
    );
  }

  /** With a line as one that has not come yet, if it was opened as that one was. */
  joinedBy(line: Line): Play[] {
    const { opening } = line;
    if (opening === undefined || !this.script.over.includes(opening.over)) return [];
    return [...this.script.acts.entries()].flatMap(([index, act]) => {
      if (act.act !== "open" || this.#lines.has(act.who)) return [];
      const near = fits(act, opening);
      if (near === undefined) return [];
      const answered = this.script.acts.findIndex(
        (other, i) =>
          i > index && other.who === act.who && other.act === "hear" && other.hearing.hear === "upgraded",
      );
      if (answered < 0) return [];
      return [this.#with({ lines: [[act.who, line]], done: [index, answered], distance: near })];
    });
  }

  /** After a line has said a frame; undefined if the recorded one does not say it now. */
  says(line: Line, said: Said): Play | undefined {
    const next = this.#nextOf(line);
    if (next === undefined || next.act.act !== "frame") return undefined;
    const names = this.#names.clone();
    const near = names.match(next.act.who, next.act, said);
    return near === undefined ? undefined : this.#with({ names, done: [next.index], distance: near });
  }

  /** After a line was cut. */
  cut(line: Line): Play | undefined {
    const next = this.#nextOf(line);
    return next?.act.act === "vanish" ? this.#with({ done: [next.index] }) : undefined;
  }

  /** After a request; undefined if it is not the next that was recorded. */
  asked(line: Line, request: Requested): Play | undefined {
    const index = this.script.acts.findIndex((act, i) => act.act === "request" && !this.#done.has(i));
    return index < 0 ? undefined : this.#asked(index, line, request);
  }

  /** From the beginning, or from a later request if nothing but such as need no other stand before it. */
  beginningWith(line: Line, request: Requested): Play | undefined {
    for (const [index, act] of this.script.acts.entries()) {
      if (act.act === "hear") continue;
      if (act.act !== "request") return undefined;
      const found = this.#asked(index, line, request);
      if (found !== undefined) {
        return found.#with({ done: this.script.acts.slice(0, index).keys() });
      }
      if (JSON.stringify(act.deed).includes("{{token")) return undefined;
    }
    return undefined;
  }

  #asked(index: number, line: Line, request: Requested): Play | undefined {
    const act = this.script.acts[index];
    if (act?.act !== "request") return undefined;
    const { method, path, headers = {}, body = "" } = act.deed;
    let asks: boolean;
    try {
      asks =
        method === request.method &&
        fill(path, this.#known) === request.path &&
        fill(body, this.#known) === request.body &&
        Object.entries(headers).every(
          ([name, value]) => request.headers[name.toLowerCase()] === fill(value, this.#known),
        ) &&
        // What is absent there plays a part, too.
        ["origin", "content-type", "x-phoenix-longpoll-token"].every(
          (name) => name in headers || request.headers[name] === undefined,
        );
    } catch {
      // It speaks of a token that nobody has been given.
      return undefined;
    }
    return asks ? this.#with({ lines: [[act.who, line]], done: [index] }) : undefined;
  }

  /** The earliest thing that may be said. */
  due(now: number): Due | undefined {
    let earliest: Due | undefined;
    for (const [who, line] of this.#lines) {
      const [next] = this.#left(who);
      if (next === undefined || line.over) continue;
      if (!next.causes.every((cause) => this.#done.has(cause))) continue;
      const { after } = next.hearing;
      const at = after === undefined ? now : line.said + after;
      if (earliest === undefined || at < earliest.at) {
        earliest = { at, index: next.index, line, hearing: next.hearing };
      }
    }
    return earliest;
  }

  /** Says it: what goes out, under this client's names, with every form filled. */
  say({ index, hearing, line }: Due): Hearing {
    this.#done.add(index);
    return this.#filled(this.#named(hearing), line);
  }

  /** Whether it would have said this too; it has then. */
  agrees(line: Line, said: Hearing): boolean {
    const who = this.#whoOf(line);
    if (who === undefined) return false;
    const { after: _after, who: _who, floats: _floats, maybe: _maybe, ...theirs } = said;
    for (const { index, hearing } of mayComeNext(this.#left(who))) {
      const { after: _, who: _of, floats: _too, maybe: _if, ...mine } = this.#named(hearing);
      const known = new Map(this.#known);
      if (!equals(mine as Json, theirs, known)) continue;
      for (const [name, value] of known) this.#known.set(name, value);
      this.#done.add(index);
      return true;
    }
    return false;
  }

  /** What a line of it does next, for a report. */
  next(line: Line): Act | undefined {
    return this.#nextOf(line)?.act;
  }

  /** What a frame of a report would be under this client's names. */
  named(act: Act, json: Json): Json {
    return this.#names.said(act.who, json);
  }

  #whoOf(line: Line): string | undefined {
    for (const [who, other] of this.#lines) if (other === line) return who;
    return undefined;
  }

  /** The next thing that a line does, if it has heard what it must hear first. */
  #nextOf(line: Line): { readonly index: number; readonly act: Act } | undefined {
    const who = this.#whoOf(line);
    for (const [index, act] of this.script.acts.entries()) {
      if (act.who !== who || this.#done.has(index)) continue;
      return act.act === "hear" ? undefined : { index, act };
    }
    return undefined;
  }

  /** What a connection has still to hear, in order. */
  #left(who: string): Left[] {
    return [...this.script.acts.entries()].flatMap(([index, act]) =>
      act.who === who && act.act === "hear" && !this.#done.has(index) ? [{ index, ...act }] : [],
    );
  }

  #named(hearing: Hearing): Hearing {
    if (hearing.hear !== "text") return hearing;
    return { ...hearing, json: this.#names.said(hearing.who ?? "main", hearing.json) };
  }

  #filled(hearing: Hearing, line: Line): Hearing {
    const deep = (json: Json): Json => {
      if (typeof json === "string") return this.#formsFilled(json, line);
      if (typeof json !== "object" || json === null) return json;
      if (Array.isArray(json)) return json.map((item: Json) => deep(item));
      return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, deep(item as Json)]));
    };
    if (hearing.hear === "text") return { ...hearing, json: deep(hearing.json) };
    if (hearing.hear !== "answer") return hearing;
    return {
      ...hearing,
      ...(hearing.json === undefined ? {} : { json: deep(hearing.json) }),
      ...(hearing.body === undefined ? {} : { body: this.#formsFilled(hearing.body, line) }),
    };
  }

  #formsFilled(text: string, line: Line): string {
    return text.replaceAll(/\{\{([^{}]+)\}\}/g, (_, form: string) => {
      if (form === "number") return "1";
      if (form === "any") return "";
      if (form === "key") return String(line.opening?.headers["sec-websocket-key"] ?? "");
      const known = this.#known.get(form);
      if (known !== undefined) return known;
      const token = newToken();
      this.#known.set(form, token);
      return token;
    });
  }

  #with(change: {
    readonly names?: Names;
    readonly lines?: readonly (readonly [string, Line])[];
    readonly done?: Iterable<number>;
    readonly distance?: number;
  }): Play {
    return new Play(
      this.script,
      change.names ?? this.#names.clone(),
      new Map([...this.#lines, ...(change.lines ?? [])]),
      new Set([...this.#done, ...(change.done ?? [])]),
      this.#known,
      Math.max(this.distance, change.distance ?? 0),
    );
  }
}

/** As a server's: opaque, and long enough. */
export const newToken = (): string => randomBytes(24).toString("base64url");
