import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { answerTo } from "./ask.ts";
import { Refusal } from "./project.ts";

test("[CR5] a question has an answer, or nothing is made", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = answerTo("Which? ", input, output);
  input.write("this\n");
  expect(await answer).toBe("this");
  expect(String(output.read())).toContain("Which? ");
  const left = answerTo("Which? ", input, output);
  input.end();
  await expect(left).rejects.toThrow(Refusal);
});
