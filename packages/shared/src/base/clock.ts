// Time is passed in, so that simulation can hold it. Real clocks live in the server and the client package.

/** Undo of something started. Calling it again does nothing. */
export type Cancel = () => void;

/** Where time comes from: the machine's clock, or a test's. Every part of Calla is given one and reads no other. */
export interface Clock {
  /**
   * Wall time, in milliseconds since the epoch: for what is stored, and for what nodes and clients compare. It may step,
   * either way (a machine is resumed, its time set).
   */
  now(): number;
  /**
   * Milliseconds since a moment that only this clock knows, whatever steps `now` makes: for waits and rates, within one
   * process. Default: the machine's (`performance.now`), so a clock of a test that holds its own time should have it.
   */
  monotonic?(): number;
  /** Runs once after so many milliseconds. Returns the undo. */
  setTimeout(run: () => void, milliseconds: number): Cancel;
  /** Runs once what is happening now has been handled: the end of the event loop's turn. */
  defer(run: () => void): void;
}

/** A clock that has both readings. */
export interface SteadyClock extends Clock {
  /** Milliseconds since a moment that only this clock knows, whatever steps `now` makes. */
  monotonic(): number;
}
