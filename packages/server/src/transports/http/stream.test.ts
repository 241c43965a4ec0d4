import { describe, expect, test } from "vitest";
import { StreamConnection } from "./stream.ts";

/** A stream whose sink writes down what it is given, and takes nothing while `full`. */
function opened() {
  const wrote: string[] = [];
  const heard: string[] = [];
  const sink = { full: false };
  const stream = new StreamConnection(
    {
      write: (bytes) => void wrote.push(Buffer.from(bytes).toString()),
      end: () => void wrote.push("(end)"),
      buffered: () => (sink.full ? 7 : 0),
    },
    (gone) => void heard.push(gone === stream ? "gone" : "another"),
  );
  stream.start({
    disconnect: (code, reason) => void heard.push(`${code} ${reason}`),
    drained: () => void heard.push("drained"),
  });
  const say = (text: string): void => stream.send({ bytes: Buffer.from(text), text: true });
  return { stream, wrote, heard, sink, say };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("an event stream", () => {
  test("[HT3] what one step hands over is one write, an event each", async () => {
    const { stream, wrote, say } = opened();
    say("1");
    say("2");
    expect([wrote, stream.bufferedAmount()]).toEqual([[], 2 * "data: 1\n\n".length]);
    await turn();
    expect([wrote, stream.bufferedAmount()]).toEqual([["data: 1\n\ndata: 2\n\n"], 0]);
  });

  test("[HT3] gets a comment when it is silent, and none where nothing is read or all is over", () => {
    const { stream, wrote, sink } = opened();
    stream.beat();
    sink.full = true;
    stream.beat();
    expect(wrote).toEqual([":\n\n"]);
    stream.close(1000, "");
    sink.full = false;
    stream.beat();
    expect(wrote).toEqual([":\n\n", "(end)"]);
  });

  test("is closed behind what was sent; its end is reported once, and what comes later is dropped", async () => {
    const { stream, wrote, heard, say } = opened();
    say("last");
    stream.close(4002, "superseded");
    stream.close(1000, "");
    stream.gone(1006, "");
    say("too late");
    stream.drained();
    await turn();
    expect([wrote, heard]).toEqual([
      ["data: last\n\n", "(end)"],
      ["gone", "4002 superseded"],
    ]);
  });

  test("whose response is gone, or whose bytes cannot be written, sends nothing of what waited", async () => {
    const gone = opened();
    gone.say("1");
    gone.stream.gone(1006, "");
    const broken = opened();
    broken.say("1");
    broken.stream.terminate();
    await turn();
    expect([gone.wrote, gone.heard]).toEqual([[], ["gone", "1006 "]]);
    expect([broken.wrote, broken.heard]).toEqual([["(end)"], ["gone", "1006 transport"]]);
  });
});
