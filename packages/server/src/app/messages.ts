// The one place where the app may give one message, several with one fate, or none: inside they are always an array.

/** What `dispatch` was given, or what a hook returned. */
export const messagesOf = <M>(given: M | readonly M[] | null | undefined | void): readonly M[] =>
  given === undefined || given === null ? [] : Array.isArray(given) ? (given as readonly M[]) : [given as M];
