// One change to one text.

/**
 * @param {import("./mutants.mjs").Mutant} mutant
 * @param {string} code
 */
export function mutate({ name, file, from, to }, code) {
  const times = code.split(from).length - 1;
  if (times !== 1)
    throw new Error(
      `The mutant "${name}" is stale: its text is ${times} times in ${file}; mend it in mutants.mjs.`,
    );
  return code.replace(from, () => to);
}
