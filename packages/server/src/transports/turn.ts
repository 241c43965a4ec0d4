// Joins what one step of the event loop hands to sockets: each connection with something to say is flushed once, when
// the step and all that its promises led to are done. Not at the turn's end (`setImmediate`): the hub has joined the
// turn's messages by then, so waiting on joined nothing more and was never cheaper (100 followers, bursts: 0.28 against
// 0.37 us of CPU a delivery, medians of four; one message at a time: no difference).

interface Flushed {
  flush(): void;
  terminate(): void;
}

let waiting: Flushed[] = [];
let spare: Flushed[] = [];

/** Has the connection flushed at the end of the step. To be called once before each flush. */
export function flushLater(connection: Flushed): void {
  if (waiting.push(connection) === 1) queueMicrotask(afterMicrotasks);
}

function afterMicrotasks(): void {
  process.nextTick(flushAll);
}

function flushAll(): void {
  const all = waiting;
  waiting = spare;
  for (const connection of all) {
    try {
      connection.flush();
    } catch {
      // Bytes that cannot be written are one connection's end, not that of those behind it.
      connection.terminate();
    }
  }
  all.length = 0;
  spare = all;
}
