// Whether a model may be what a message makes of it: carried by the wire, no deeper, no larger and no heavier in memory
// than every client can take. One walk over what has changed answers all of it (model-measure.ts). Asked when a message is
// decided, never when a record is folded: what an older node took is there, and may stay or become less.
import { CallaError, WalkRefusal } from "@calla/shared";
import type { Limits, TargetKey, ValueOptions } from "@calla/shared";
import { Measure } from "./model-measure.ts";
import type { Sums } from "./model-part.ts";

/** What is wrong with a model that a message makes. */
export type Excess =
  | { readonly code: "too-large"; readonly details: { readonly [limit: string]: number } }
  | { readonly code: "too-deep"; readonly details: { readonly maxDepth: number } }
  /** The update's fault: a function, an instance of a class that is not registered, a getter that throws. */
  | { readonly code: "uncarried"; readonly problem: string };

export interface ScalesOptions {
  readonly target: TargetKey;
  readonly limits: Pick<Limits, "maxModelBytes" | "maxModelMemory">;
  /** What the serialiser carries; undefined: a custom one, which alone knows. */
  readonly domain: ValueOptions | undefined;
  /** Whose models have been reported to be over a limit already. */
  readonly told?: Set<TargetKey> | undefined;
}

/** A model, and what it comes to. */
interface Weighed extends Sums {
  readonly model: unknown;
  /** Its levels; of one that is carried, 0. */
  readonly height: number;
}

/** So many targets are remembered to have been reported. */
const MOST_TOLD = 1_000;

export class Scales {
  readonly #options: ScalesOptions;
  readonly #maxDepth: number;
  readonly #measure: Measure;
  #last: Weighed | undefined;
  /** For the app: the model was over a limit before. */
  readonly notices: CallaError[] = [];

  constructor(options: ScalesOptions) {
    this.#options = options;
    // What a custom serialiser makes of a model may be flat however deep the model is.
    this.#maxDepth = options.domain === undefined ? Infinity : (options.domain.maxDepth ?? 64);
    this.#measure = new Measure(options.domain);
  }

  /** Why a dispatch must not make this model of that one. Where the model is over a limit already, it may not grow. */
  judge(before: unknown, after: unknown): Excess | undefined {
    if (before === after) return undefined;
    const was = this.#weighed(before);
    let now: Weighed;
    try {
      now = isGood(was) ? this.#changed(was, after) : this.#whole(after);
    } catch (thrown) {
      return this.#excess(thrown);
    }
    const { maxModelBytes, maxModelMemory } = this.#options.limits;
    if (now.height > was.height) return this.#tooDeep();
    if (now.faults > was.faults) return { code: "uncarried", problem: "holds what the wire does not carry." };
    if (now.bytes > maxModelBytes && now.bytes > was.bytes)
      return { code: "too-large", details: { maxModelBytes } };
    if (now.memory > maxModelMemory && now.memory > was.memory)
      return { code: "too-large", details: { maxModelMemory } };
    this.#last = now;
    return undefined;
  }

  #changed(was: Weighed, after: unknown): Weighed {
    this.#measure.set(was);
    this.#measure.change(was.model, after, Math.min(this.#maxDepth, MOST_LEVELS), false);
    const { bytes, memory } = this.#measure;
    return { model: after, bytes, memory, faults: 0, height: 0 };
  }

  #whole(model: unknown): Weighed {
    this.#measure.whole(model);
    const { bytes, memory, faults, height } = this.#measure;
    return { model, bytes, memory, faults, height: height > this.#maxDepth ? height : 0 };
  }

  /** What a model comes to that others have decided on, or that was decided on before. */
  #weighed(model: unknown): Weighed {
    if (this.#last !== undefined && this.#last.model === model) return this.#last;
    let now: Weighed;
    try {
      now =
        this.#last !== undefined && isGood(this.#last)
          ? this.#changed(this.#last, model)
          : this.#whole(model);
    } catch {
      now = this.#unlimited(model);
    }
    this.#last = now;
    this.#notice(now);
    return now;
  }

  /** One that an older node let become what it is, and that may be repaired step by step. */
  #unlimited(model: unknown): Weighed {
    try {
      return this.#whole(model);
    } catch {
      // It cannot even be walked: whatever can be is less.
      return { model, bytes: Infinity, memory: Infinity, faults: Infinity, height: Infinity };
    }
  }

  #excess(thrown: unknown): Excess {
    if (!(thrown instanceof WalkRefusal)) throw thrown;
    const { code, path, problem } = thrown;
    if (code === "too-deep") return this.#tooDeep();
    return { code: "uncarried", problem: `${path || "The model"} ${problem}` };
  }

  #tooDeep(): Excess {
    return { code: "too-deep", details: { maxDepth: Math.min(this.#maxDepth, MOST_LEVELS) } };
  }

  #notice({ bytes, memory, faults, height }: Weighed): void {
    const { target, limits, told } = this.#options;
    const { maxModelBytes, maxModelMemory } = limits;
    const problems = [
      ...(height > 0
        ? [`it is nested in more than ${this.#maxDepth} levels, so no client can subscribe`]
        : []),
      ...(faults > 0 ? ["it holds what the wire does not carry, so no client can subscribe"] : []),
      ...(bytes > maxModelBytes
        ? [`its JSON has about ${bytes} bytes (maxModelBytes: ${maxModelBytes})`]
        : []),
      ...(memory > maxModelMemory
        ? [`it holds about ${memory} bytes of memory (maxModelMemory: ${maxModelMemory})`]
        : []),
    ];
    if (problems.length === 0 || told?.has(target) === true) return;
    if ((told?.size ?? 0) >= MOST_TOLD) told?.clear();
    told?.add(target);
    this.notices.push(
      new CallaError(
        height > 0 ? "too-deep" : "too-large",
        { target, bytes, memory },
        `The model of "${target}" is over a limit: ${problems.join("; ")}. What makes it larger is refused. Dispatch to it from the server what makes it smaller, or raise the limit.`,
      ),
    );
  }
}

const MOST_LEVELS = 512;
const isGood = ({ faults, height }: Weighed): boolean => faults === 0 && height === 0;
