// Why something was refused, in words. The codes are the wiring's own and Calla's; the compiler knows them all.
import type { RejectionOf } from "@calla/shared";
import type { board } from "../shared/wiring.ts";

export function reason(rejection: RejectionOf<typeof board>): string {
  switch (rejection.code) {
    case "boardFull":
      return `This board is full: it holds ${rejection.details.limit} cards. Delete one first.`;
    case "doingFull":
      return `“Doing” holds ${rejection.details.limit} cards at most. Finish one first.`;
    case "noSuchCard":
      return "Somebody has deleted this card meanwhile.";
    case "client-expired":
      return "The server was restarted and cannot tell whether it has your last change. Please look.";
    default:
      return `The server did not take this change (${rejection.code}).`;
  }
}
