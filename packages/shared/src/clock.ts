// Time is passed in, so that simulation can hold it. Real clocks live in the server and the client package.

/** Undo of something started. Calling it again does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(run: () => void, milliseconds: number): Cancel;
  /** Runs once what is happening now has been handled: the end of the event loop's turn. */
  defer(run: () => void): void;
}
