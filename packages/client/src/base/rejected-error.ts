// What a dispatch that was refused for good rejects with.
import { CallaError, rejectionText } from "@calla/shared";
import type { Rejection } from "@calla/shared";

/**
 * What `applied` rejects with: `code`, `details`, and as `message` a sentence with both (in a build for production the
 * code alone). `from` "app": a reason of the slice; "calla": one of the framework's. `write.rejection` gives the same with
 * the slice's own types.
 *
 * @example
 * if (error instanceof RejectedError && error.from === "calla") switch (error.code) { case "forbidden": … }
 */
export type RejectedError = RejectedBy<Extract<Rejection, { readonly from: "app" }>> | RejectedBy<ByCalla>;

type ByCalla = Extract<Rejection, { readonly from: "calla" }>;
interface RejectedBy<R extends Rejection> extends CallaError<R["code"]> {
  readonly from: R["from"];
}

interface RejectedErrorClass {
  new (rejection: Rejection): RejectedError;
  /** What `instanceof` finds: with `from` the code is known, too. */
  readonly prototype: RejectedError;
}

// Its codes are those of slices, so it is no subclass to the compiler.
const Base = CallaError as new (code: string, details: unknown, message: string) => CallaError<string>;

/** The class of it, for `instanceof`. Calla makes them; an app makes one in tests of its own code. */
export const RejectedError = class extends Base {
  readonly from: Rejection["from"];

  constructor({ from, code, details }: Rejection) {
    super(code, details, rejectionText(from, code, details));
    this.from = from;
  }
} as RejectedErrorClass;

/** By Calla, for this reason. */
export const rejectedBy = (code: ByCalla["code"], details: unknown = {}): RejectedError =>
  new RejectedError({ from: "calla", code, details });
