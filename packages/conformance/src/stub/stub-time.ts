// How time passes for a stub: by itself, or as a test tells it to.

/** The clock of a stub: waits that were recorded take their time by it. */
export interface StubTime {
  /** Milliseconds. */
  now(): number;
  /** @returns what cancels it */
  setTimeout(run: () => void, milliseconds: number): () => void;
}

export const realTime: StubTime = {
  now: () => performance.now(),
  setTimeout: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
