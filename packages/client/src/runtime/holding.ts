// What becomes of a message that ends the connections that carry it: held, sent once more, or discarded (OB20). Not
// here: finding out which message it is (suspects.ts), and sending (runtime.ts).
import { CallaError, DEV } from "@calla/shared";
import type { CallaRejectionCode } from "@calla/shared";
import { givenUp, listedWrite } from "../replica/dispatch-entry.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "../replica/outbox.ts";
import { clear, doubt } from "../replica/suspects.ts";
import type { Dispatch, HeldWrite } from "../replica/target.ts";
import type { Targets } from "../replica/targets.ts";

export interface HoldingOptions {
  readonly outbox: Outbox<Dispatch>;
  readonly ledger: Ledger;
  readonly targets: Targets;
  readonly report: (error: unknown) => void;
  readonly changed: () => void;
  readonly flush: () => void;
  readonly cancel: (entry: Dispatch) => boolean;
}

export function createHolding(options: HoldingOptions) {
  const { outbox, ledger, targets, report, changed, flush } = options;
  let held: readonly HeldWrite[] = [];

  /** Its mid goes out as void. Whoever had taken it before says so, and that is its outcome. */
  function giveUp(entry: Dispatch, code: CallaRejectionCode): true {
    entry.dropped = givenUp(code);
    entry.messages = [];
    outbox.hold(entry, false);
    clear(entry);
    ledger.keep(entry);
    if (entry.stage === "sent") entry.stage = "stored";
    targets.settle(targets.get(entry.target));
    flush();
    changed();
    return true;
  }

  const retry = (entry: Dispatch): boolean => {
    if (!entry.held || entry.outcome) return false;
    outbox.hold(entry, false);
    doubt(entry, 1);
    ledger.keep(entry);
    flush();
    changed();
    return true;
  };

  return {
    retry,
    /** By the server's own word, or the app's (`cancelled`). */
    giveUp,
    /** From here on it stays, and what stands behind it, until the app says what becomes of it. */
    hold(entry: Dispatch): void {
      outbox.hold(entry, true);
      entry.stage = "stored";
      ledger.keep(entry);
      const { target, id, size } = entry;
      report(
        new CallaError(
          "held",
          { target, id, bytes: size },
          DEV &&
            `Every connection ends that carries message ${id} to "${target}", of about ${size} bytes, and others do not: something on the way does not let it through. It is kept and not sent; \`client.status.held\` has its retry() and cancel().`,
        ),
      );
      changed();
    },
    /** The same array until it changes. */
    list(): readonly HeldWrite[] {
      const now = [...outbox.held];
      if (now.length === held.length && now.every(({ id }, i) => held[i]?.id === id)) return held;
      return (held = now.map((entry) => ({
        ...listedWrite(entry),
        retry: () => retry(entry),
        cancel: () => options.cancel(entry),
      })));
    },
  };
}
