// What a dispatch that was refused for good rejects with.
import { CallaError, rejectionText } from "@calla/shared";

/** Why a message was refused for good. */
export interface Rejection {
  readonly from: "app" | "calla";
  readonly code: string;
  readonly details: unknown;
}

/**
 * What `applied` rejects with: `code`, `details`, and as `message` a sentence with both (in a build for production the
 * code alone). `write.rejection` gives the same with the slice's own types.
 */
export class RejectedError extends CallaError<string> {
  /** "app": a reason of the slice; "calla": one of the framework's. */
  readonly from: "app" | "calla";

  constructor({ from, code, details }: Rejection) {
    super(code, details, rejectionText(from, code, details));
    this.from = from;
  }
}
