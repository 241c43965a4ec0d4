// A recorded conversation as the stub plays it: what its client does, frame by frame, and what may be said to it when.
import type { Deed, Hearing, Json, Scenario, Step } from "../recording/recording.ts";
import { fill } from "../replay/forms.ts";
import { stretchesOf, type Place } from "../replay/order.ts";
import type { Opening } from "./line.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "../wire/frame.ts";

type DeedOf<Kind extends Deed["do"]> = Extract<Deed, { do: Kind }>;

/** One act of a script; `who` is the connection. Pauses are the client's own affair. */
export type Act = { readonly who: string } & (
  | { readonly act: "open"; readonly deed: DeedOf<"upgrade"> | DeedOf<"longpoll"> }
  /** `json`: of a text frame. */
  | { readonly act: "frame"; readonly frame: Frame; readonly json: Json | undefined }
  | { readonly act: "request"; readonly deed: DeedOf<"request"> }
  | { readonly act: "vanish" }
  /** `causes`: the acts behind which it is said, by their index. */
  | (Place & { readonly act: "hear"; readonly causes: readonly number[] })
);

export interface Script {
  readonly name: string;
  readonly about: string;
  readonly acts: readonly Act[];
  /** Its first connection. */
  readonly first: string;
  /** Whether its client says nothing at all: what it hears comes of that. */
  readonly silent: boolean;
  /** What else it can be had over than it was recorded over: of text frames only, the other. */
  readonly over: readonly Opening["over"][];
}

export function scriptOf({ scenario, about, steps }: Scenario): Script {
  const polling = new Set(
    steps.flatMap((step) => ("do" in step && step.do === "longpoll" ? [step.who ?? "main"] : [])),
  );
  // That a client polls no more is not seen.
  const seen = ({ act, who }: Act): boolean => act !== "vanish" || !polling.has(who);
  const stretches = stretchesOf(steps);
  const acts = steps
    .flatMap((step, i) => actsOf(step, stretches[i] ?? 0))
    .filter(seen)
    .map((act, at, all) => withCauses(act, at, all));
  return {
    name: scenario,
    about,
    acts,
    first: acts[0]?.who ?? "main",
    silent: !acts.some(({ act }) => act === "frame" || act === "request"),
    over: oversOf(steps),
  };
}

function actsOf(step: Step, stretch: number): Act[] {
  const who = step.who ?? "main";
  if ("hear" in step) return [{ who, act: "hear", hearing: step, stretch, causes: [] }];
  switch (step.do) {
    case "upgrade":
    case "longpoll":
      return [{ who, act: "open", deed: step }];
    case "request":
      return [{ who, act: "request", deed: step }];
    case "vanish":
      return [{ who, act: "vanish" }];
    case "pause":
      return [];
    default:
      return framesOf(step).map((frame) => ({ who, act: "frame", frame, json: jsonOfFrame(frame) }));
  }
}

/** The frames of a deed, as a server reads them. */
function framesOf(deed: DeedOf<"text"> | DeedOf<"close"> | Extract<Deed, { hex: string }>): Frame[] {
  switch (deed.do) {
    case "text":
      return read(writeFrame(OPCODE.text, Buffer.from(fill(deed.text, new Map()))));
    case "close": {
      const { code } = deed;
      return read(
        writeFrame(OPCODE.close, code === undefined ? Buffer.alloc(0) : Buffer.of(code >> 8, code & 0xff)),
      );
    }
    case "raw":
      return read(Buffer.from(deed.hex, "hex"));
    case "binary":
    case "ping":
      return read(writeFrame(OPCODE[deed.do], Buffer.from(deed.hex, "hex")));
  }
}

const read = (bytes: Uint8Array): Frame[] => new FrameReader().read(bytes);

/** A reply is said behind what it replies to, whatever the client says meanwhile; all else behind all that was done before. */
function withCauses(act: Act, at: number, all: readonly Act[]): Act {
  if (act.act !== "hear") return act;
  const before = [...all.slice(0, at).entries()];
  const replied = refOfReply(act.hearing);
  const asked =
    replied === undefined
      ? undefined
      : before.findLast(
          ([, other]) =>
            other.act === "frame" &&
            other.who === act.who &&
            JSON.stringify(refOf(other.json)) === JSON.stringify(replied),
        );
  const causes =
    asked === undefined
      ? before.filter(([, other]) => other.act !== "hear" && other.act !== "open").map(([index]) => index)
      : [asked[0]];
  return { ...act, causes };
}

function refOfReply(hearing: Hearing): Json | undefined {
  if (hearing.hear !== "text") return undefined;
  const parts = partsOfFrame(hearing.json);
  return parts?.event === "phx_reply" ? parts.ref : undefined;
}

const refOf = (json: Json | undefined): Json | undefined =>
  json === undefined ? undefined : partsOfFrame(json)?.ref;

/** What both versions of a frame have. */
export interface FrameParts {
  readonly joinRef: Json;
  readonly ref: Json;
  readonly topic: Json;
  readonly event: Json;
  readonly payload: Json;
}

/** The parts of a frame of V2 or V1; undefined of what is neither. */
export function partsOfFrame(json: Json): FrameParts | undefined {
  if (Array.isArray(json)) {
    const [joinRef = null, ref = null, topic, event, payload] = json as readonly Json[];
    if (topic === undefined || event === undefined || payload === undefined) return undefined;
    return { joinRef, ref, topic, event, payload };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { join_ref: joinRef = null, ref = null, topic, event, payload } = json as Record<string, Json>;
  if (topic === undefined || event === undefined || payload === undefined) return undefined;
  return { joinRef, ref, topic, event, payload };
}

/** The JSON of a text frame; undefined of any other. */
export function jsonOfFrame({ fin, rsv, opcode, payload }: Frame): Json | undefined {
  if (!fin || rsv !== 0 || opcode !== OPCODE.text) return undefined;
  try {
    return JSON.parse(payload.toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}

function oversOf(steps: readonly Step[]): Opening["over"][] {
  const polled = steps.some((step) => "do" in step && step.do === "longpoll");
  if (!steps.every(isPlain)) return [polled ? "longpoll" : "websocket"];
  // A status is heard by who polls only.
  const status = steps.some((step) => "hear" in step && step.hear === "status");
  return status ? ["longpoll"] : ["websocket", "longpoll"];
}

function isPlain(step: Step): boolean {
  if ("hear" in step) return step.hear === "text" || step.hear === "upgraded" || step.hear === "status";
  if (step.do === "upgrade") {
    return step.headers === undefined && step.protocols === undefined && step.behind === undefined;
  }
  return ["longpoll", "text", "vanish", "pause"].includes(step.do);
}
