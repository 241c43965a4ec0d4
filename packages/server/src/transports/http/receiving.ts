// One request under way, as the server counts it: its bytes, and that it is there at all, until its answer is through.
// The reader of its body, and later the writer of its answer, says what pausing and cutting it means.
import type { ConnectRequest, Received, RequestInlet } from "../../base/connection.ts";

/** What a request holds besides its body: socket, headers, what waits for its answer. */
const REQUEST_BYTES = 16_384;
/** What its head counts for at the byte rate. */
const HEAD_BYTES = 1_024;

export interface Hands {
  pause(): void;
  resume(): void;
  cut(): void;
}
export const NO_HANDS: Hands = { pause: () => undefined, resume: () => undefined, cut: () => undefined };

export class Receiving implements RequestInlet {
  readonly request: ConnectRequest;
  readonly line: object | undefined;
  readonly #received: Received | undefined;
  #held = REQUEST_BYTES;
  #hands = NO_HANDS;
  #paused = false;
  /** There is no room for it. */
  cutOff = false;

  constructor(
    receive: ((inlet: RequestInlet) => Received) | undefined,
    request: ConnectRequest,
    line: object | undefined,
  ) {
    this.request = request;
    this.line = line;
    this.#received = receive?.(this);
    this.#received?.received(HEAD_BYTES, this.#held);
  }

  /** From here on these hands hold it. They are told at once if it is not to be read, or has been cut. */
  heldBy(hands: Hands): void {
    this.#hands = hands;
    if (this.cutOff) hands.cut();
    else if (this.#paused) hands.pause();
  }

  read(bytes: number): void {
    this.#held += bytes;
    this.#received?.received(bytes, this.#held);
  }
  /** So much is to be taken in by who asked. */
  answering(bytes: number): void {
    this.#held += bytes;
    this.#received?.received(0, this.#held);
  }
  over(): void {
    this.#hands = NO_HANDS;
    this.#received?.over();
  }

  pause(): void {
    this.#paused = true;
    this.#hands.pause();
  }
  resume(): void {
    this.#paused = false;
    this.#hands.resume();
  }
  cut(): void {
    this.cutOff = true;
    this.#hands.cut();
  }
}
