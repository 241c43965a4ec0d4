// A client as an app without Calla would write it: a model that it applies what it is told to, an outbox, and a connection that
// breaks whenever it likes. What is on its way then is lost, both ways.
import type { Clock } from "@calla/shared";
import jsonPatch from "fast-json-patch";
import type { Operation } from "fast-json-patch";
import type { Form } from "../../src/bridge/words.ts";
import type { Talker, TalkOptions } from "../phoenix-talk.ts";

export interface Items {
  readonly items: readonly string[];
}
type Fields = { readonly [name: string]: unknown };
interface Cursor {
  readonly sequence: number;
  readonly mark: number;
}
interface Entry {
  readonly mid: number;
  readonly id: string;
  readonly message: object;
}
interface Message {
  readonly type: string;
  readonly item: string;
}

export interface LossyOptions {
  readonly name: string;
  readonly form: Form;
  readonly topic: string;
  readonly clock: Clock;
  connect(options: TalkOptions): Talker;
}

export class LossyClient {
  model: Items | undefined;
  cursor: Cursor | undefined;
  /** What was told of each id, as often as it was told. */
  readonly outcomes = new Map<string, Fields[]>();
  readonly events: string[] = [];
  readonly #options: LossyOptions;
  #params: { readonly [name: string]: string } = {};
  #talker: Talker | undefined;
  #outbox: Entry[] = [];
  #joined = false;
  #mid = 0;
  #sent = 0;
  /** What was sent before this connection. */
  #before = 0;
  #refs = 0;
  #asked = new Map<string, Entry>();

  constructor(options: LossyOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#talker !== undefined;
  }
  /** Nothing is without an outcome. */
  get quiet(): boolean {
    return this.#outbox.length === 0;
  }
  set unwritten(bytes: number) {
    if (this.#talker !== undefined) this.#talker.unwritten = bytes;
  }

  connect(): void {
    const { topic, form } = this.#options;
    this.#talker = this.#options.connect({ params: this.#params });
    this.#joined = false;
    this.#before = this.#sent;
    this.#asked.clear();
    const cursor = this.cursor === undefined ? {} : { cursor: this.cursor };
    const settled = this.#settled;
    this.#say("phx_join", { form, settled, sent: Math.max(this.#sent, settled), ...cursor }, topic);
  }

  /** The first `told` of what waits has come, the rest is lost. */
  drop(told: number): void {
    this.read(told);
    const talker = this.#talker;
    this.#talker = undefined;
    talker?.gone();
  }

  /** `lost`: it does not arrive, for its connection is about to break. */
  dispatch(message: object, lost = false): void {
    const mid = ++this.#mid;
    const entry = { mid, id: `${this.#options.name}-${mid}`, message };
    this.#outbox.push(entry);
    this.outcomes.set(entry.id, []);
    if (this.#joined) this.#send(entry, lost);
  }

  read(most = Infinity): void {
    const heard = this.#talker?.heard.splice(0, most) as
      | [unknown, string | null, string, string, Fields][]
      | undefined;
    for (const [, ref, , event, payload] of heard ?? []) {
      if (event === "phx_reply")
        this.#answered(ref!, payload["status"] as string, payload["response"] as Fields);
      else this.#hear(event, payload);
    }
  }

  get #settled(): number {
    return (this.#outbox[0]?.mid ?? this.#mid + 1) - 1;
  }

  #say(event: string, payload: object, ref = `r${++this.#refs}`): string {
    const { topic } = this.#options;
    const talker = this.#talker!;
    talker.heard.push(...talker.say([topic, ref, topic, event, payload]));
    return ref;
  }

  #send(entry: Entry, lost = false): void {
    const { mid, id, message } = entry;
    this.#sent = Math.max(this.#sent, mid);
    if (lost || this.#talker === undefined) return;
    const ref = `r${this.#refs + 1}`;
    this.#asked.set(ref, entry);
    this.#say("dispatch", { mid, id, settled: this.#settled, messages: [message] });
  }

  #answered(ref: string, status: string, response: Fields): void {
    if (ref === this.#options.topic) return this.#isIn(status, response);
    const entry = this.#asked.get(ref);
    if (entry === undefined) return;
    const isNew = entry.mid > this.#before && this.outcomes.get(entry.id)!.length === 0;
    if (isNew && status === "ok" && (response["sequence"] as number) <= this.cursor!.sequence)
      throw new Error("the change came before its answer");
    this.#decided({ ...response, id: entry.id, status });
  }

  #isIn(status: string, reply: Fields): void {
    if (status !== "ok") throw new Error(`no join: ${JSON.stringify(reply)}`);
    const known = this.#params["client_id"];
    if (known !== undefined && known !== reply["client_id"]) throw new Error("another identity");
    const { client_id, secret = this.#params["secret"] } = reply as { readonly [name: string]: string };
    this.#params = { client_id: client_id!, secret: secret! };
    this.#joined = true;
    this.events.push(`join ${String(reply["resync"])}`);
    for (const outcome of reply["outcomes"] as Fields[]) this.#decided(outcome);
    if (reply["resync"] === "snapshot") this.model = reply["model"] as Items;
    if (reply["resync"] === "messages") this.#fold(reply["updates"] as Fields[]);
    this.#moved(reply);
    for (const entry of this.#outbox) if (entry.mid >= (reply["next"] as number)) this.#send(entry);
  }

  #hear(event: string, payload: Fields): void {
    this.events.push(event);
    switch (event) {
      case "patch":
        if (payload["after"] !== this.cursor!.sequence) throw new Error("a patch that does not continue");
        this.model = jsonPatch.applyPatch(structuredClone(this.model), payload["patch"] as Operation[])
          .newDocument as Items;
        return this.#moved(payload);
      case "snapshot":
        this.model = payload["model"] as Items;
        return this.#moved(payload);
      case "message":
        if (payload["after"] !== this.cursor!.sequence) throw new Error("messages that do not continue");
        this.#fold(payload["records"] as Fields[]);
        return this.#moved(payload);
      case "settled":
        for (const outcome of payload["outcomes"] as Fields[]) this.#decided(outcome);
        return;
      case "paused": {
        const talker = this.#talker;
        this.#options.clock.setTimeout(() => {
          if (this.#talker !== talker || !this.#joined) return;
          for (const entry of this.#outbox) if (entry.mid >= (payload["from"] as number)) this.#send(entry);
        }, payload["retry_after"] as number);
        return;
      }
      case "closing":
      case "phx_error":
      case "phx_close":
        return;
      default:
        throw new Error(`no such event: ${event}`);
    }
  }

  #decided(outcome: Fields): void {
    const id = outcome["id"] as string;
    const { sequence = 0, code = "" } = outcome;
    const told = this.outcomes.get(id)!;
    told.push({ status: outcome["status"], sequence, code });
    this.#outbox = this.#outbox.filter((entry) => entry.id !== id);
  }

  #fold(records: readonly Fields[]): void {
    for (const record of records) {
      for (const { type, item } of record["messages"] as Message[]) {
        const { items } = this.model!;
        this.model = { items: type === "added" ? [...items, item] : items.filter((other) => other !== item) };
      }
    }
  }

  #moved({ sequence, mark }: Fields): void {
    this.cursor = { sequence, mark } as Cursor;
  }
}
