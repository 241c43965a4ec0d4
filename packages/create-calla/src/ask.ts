// A question in a terminal, and whoever leaves it unanswered.
import { createInterface } from "node:readline/promises";
import { Refusal } from "./project.ts";

/** @throws Refusal: the terminal was closed (Ctrl-C, Ctrl-D) before there was an answer. */
export async function answerTo(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const lines = createInterface({ input, output });
  // Left alone the question would wait for ever, and Node ends with a warning about that.
  const closed = new Promise<never>((_, reject) => {
    lines.once("close", () => reject(new Refusal("\nNothing was made.")));
  });
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}
