// Processes that are not to outlive this one, though it ends by an error.

/** @type {Map<import("node:child_process").ChildProcess, NodeJS.Signals>} */
const children = new Map();
process.once("exit", () => {
  for (const [child, signal] of children) child.kill(signal);
});

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
export const withUs = (child, signal = "SIGKILL") => {
  children.set(child, signal);
  child.once("exit", () => children.delete(child));
};
