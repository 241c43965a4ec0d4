// How many bytes a value has as JSON, counted no further than is asked: whether a patch is shorter than what it stands for
// costs as much as the patch is long, and not as much as the model is large.
import type { Budget } from "./budget.ts";
import { textLooks } from "./budget.ts";
import { isObject } from "./identity.ts";

type Fields = Readonly<Record<string | number, unknown>>;

/** Bytes of a text in JSON, in UTF-8, its quotes among them. */
export function textBytes(text: string): number {
  if (PLAIN.test(text)) return text.length + 2;
  return ESCAPED.test(text) ? Buffer.byteLength(JSON.stringify(text)) : Buffer.byteLength(text) + 2;
}
/** What JSON writes as it stands, one byte each. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** What JSON may write otherwise: of surrogates those that are alone. */
// oxlint-disable-next-line no-control-regex -- reason: control characters are what is looked for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A list, or an object and its names. */
interface Open {
  readonly parts: readonly unknown[] | Fields;
  readonly names: readonly string[] | undefined;
  readonly count: number;
  next: number;
  written: number;
}

/** The bytes of a value that has no parts. @throws OverBudget */
export function scalarBytes(value: unknown, budget: Budget): number {
  if (typeof value !== "string") {
    budget.look(1);
    return typeof value === "number" || typeof value === "boolean" ? String(value).length : 4;
  }
  budget.look(textLooks(value));
  return textBytes(value);
}

/** A value, and how many of its bytes have been seen. */
export class Measure {
  #seen = 0;
  /** What has been begun, from the whole down to where the count stands. */
  readonly #open: Open[] = [];
  /** Texts of which only the units were counted; each may have more bytes. */
  readonly #long: string[] = [];
  readonly #budget: Budget;
  #begun = false;
  readonly #value: unknown;

  constructor(value: unknown, budget: Budget) {
    this.#value = value;
    this.#budget = budget;
  }

  /** @throws OverBudget */
  atLeast(bytes: number): boolean {
    while (this.#seen < bytes) if (!this.#goOn()) return false;
    return true;
  }

  /** @throws OverBudget */
  all(): number {
    while (this.#goOn());
    return this.#seen;
  }

  /** False: all has been seen. */
  #goOn(): boolean {
    if (!this.#begun) {
      this.#begun = true;
      this.#add(this.#value);
      return true;
    }
    const top = this.#open.at(-1);
    if (top === undefined) return this.#countLong();
    if (top.next === top.count) {
      this.#open.pop();
      return true;
    }
    const name = top.names?.[top.next];
    const value = (top.parts as Fields)[name ?? top.next];
    top.next++;
    if (name !== undefined) {
      if (value === undefined) return true;
      this.#seen += textBytes(name) + 1;
    }
    if (top.written++ > 0) this.#seen++;
    this.#add(value);
    return true;
  }

  #countLong(): boolean {
    const text = this.#long.pop();
    if (text === undefined) return false;
    this.#seen += scalarBytes(text, this.#budget) - text.length - 2;
    return true;
  }

  #add(value: unknown): void {
    if (typeof value === "string" && value.length > LONG) {
      this.#long.push(value);
      this.#seen += value.length + 2;
    } else if (isObject(value)) {
      this.#seen += 2;
      this.#budget.look(1);
      this.#budget.descend(this.#open.length);
      const names = Array.isArray(value) ? undefined : this.#budget.namesOf(value);
      const parts = value as readonly unknown[] | Fields;
      this.#open.push({
        parts,
        names,
        count: names?.length ?? (parts as readonly unknown[]).length,
        next: 0,
        written: 0,
      });
    } else this.#seen += scalarBytes(value, this.#budget);
  }
}
/** Units; a text that is not longer is read at once. */
const LONG = 1_024;
