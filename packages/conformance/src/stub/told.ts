// What a stub tells of the clients that came: which recorded conversations they had, how far, and what no recorded one says.
import type { Hearing, Json } from "../recording/recording.ts";
import { deedShown, shownAs } from "../report/difference.ts";
import { OPCODE, type Frame } from "../wire/frame.ts";
import type { Line, Requested } from "./line.ts";
import type { Play } from "./play.ts";
import { jsonOfFrame, type Act } from "./script.ts";
import type { Unrecorded } from "./stage.ts";

/** What a stub has heard so far. */
export interface StubReport {
  /** Recorded conversations that were had, in whole or in part. */
  readonly conversations: readonly {
    readonly name: string;
    readonly about: string;
    /** How many of the things that its client says were said, and of how many. */
    readonly said: number;
    readonly of: number;
  }[];
  /** What a client said where no recorded conversation has it: it was not answered. */
  readonly unrecorded: readonly {
    readonly connection: number;
    readonly said: string;
    /** What it might have been until then. */
    readonly until: readonly string[];
    /** What the clients of those say there. */
    readonly instead: readonly string[];
  }[];
}

/** Of many that are alike, so many are shown. */
const SHOWN = 5;
/** What is kept of a client that says nothing recorded. */
const KEPT = 1000;

export class Told {
  readonly #onEvent: (line: string) => void;
  readonly #conversations = new Map<string, StubReport["conversations"][number]>();
  readonly #unrecorded: StubReport["unrecorded"][number][] = [];

  constructor(onEvent: (line: string) => void = () => undefined) {
    this.#onEvent = onEvent;
  }

  /** What a client does; then what is said to it follows. */
  came(line: Line, did: Frame | Requested): void {
    this.#onEvent(`${line.number} > ${shownDeed(did)}`);
  }

  said(line: Line, hearing: Hearing, play: Play): void {
    this.note(play);
    this.#onEvent(`${line.number} < ${shownAs(hearing)}  (${play.script.name})`);
  }

  note({ script: { name, about }, progress }: Play): void {
    const before = this.#conversations.get(name);
    if (before === undefined || before.said < progress.done) {
      this.#conversations.set(name, { name, about, said: progress.done, of: progress.of });
    }
  }

  unrecorded({ line, did, until }: Unrecorded): void {
    const said = shownDeed(did);
    const names = until.map(({ script }) => script.name);
    const instead = [...new Set(until.flatMap((play) => nextShown(play, line)))];
    if (this.#unrecorded.length < KEPT) {
      this.#unrecorded.push({ connection: line.number, said, until: names, instead });
    }
    const was =
      names.length === 0 ? "no recorded conversation begins so" : `until here it was as ${some(names)}`;
    const next = instead.length === 0 ? "" : `; there a client says ${some(instead, " or ")}`;
    this.#onEvent(`${line.number} ! not recorded, so not answered: ${said} (${was}${next})`);
  }

  report(): StubReport {
    return { conversations: [...this.#conversations.values()], unrecorded: [...this.#unrecorded] };
  }
}

function nextShown(play: Play, line: Line): string[] {
  const act: Act | undefined = play.next(line);
  if (act === undefined) return [];
  switch (act.act) {
    case "frame": {
      const json = jsonOfFrame(act.frame);
      return [json === undefined ? shownDeed(act.frame) : JSON.stringify(play.named(act, json))];
    }
    case "request":
      return [deedShown(act.deed)];
    case "vanish":
      return ["nothing, and cuts the connection"];
    default:
      return [];
  }
}

function shownDeed(did: Frame | Requested): string {
  if ("method" in did) return shortly(`${did.method} ${did.path} ${did.body}`.trim());
  if (did.opcode === OPCODE.text) return shortly(did.payload.toString("utf8"));
  const kind = Object.entries(OPCODE).find(([, opcode]) => opcode === did.opcode)?.[0];
  return shortly(`${kind ?? `opcode ${did.opcode}`} ${did.payload.toString("hex")}`.trim());
}

const some = (texts: readonly Json[], between = ", "): string =>
  `${texts.slice(0, SHOWN).join(between)}${texts.length > SHOWN ? ` and ${texts.length - SHOWN} more` : ""}`;
const shortly = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);
