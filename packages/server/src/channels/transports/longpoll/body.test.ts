import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostLines, readFrames } from "./body.ts";

const NDJSON = "application/x-ndjson";
const NONE = "";
const read = (body: string | Uint8Array, type = NDJSON, strict = false, most = 1_000) =>
  readFrames(typeof body === "string" ? Buffer.from(body) : body, type === NONE ? undefined : type, {
    maxFrameBytes: most,
    strict,
  });
const framesOf = (...given: Parameters<typeof read>) => {
  const came = read(...given);
  return "frames" in came
    ? came.frames.map((one) => (typeof one === "string" ? one : Buffer.from(one)))
    : came;
};

describe("what a POST says", () => {
  it("[LP6] a frame a line, in order; [BI21] base64 is bytes", () => {
    expect(framesOf('["1"]\nAAEC\n[2]')).toEqual(['["1"]', Buffer.from([0, 1, 2]), "[2]"]);
  });

  it("[LP7] lines may end with CRLF", () => {
    expect(framesOf("[1]\r\nAAEC\r\n[2]\r\n")).toEqual(["[1]", Buffer.from([0, 1, 2]), "[2]"]);
  });

  it("[MF25] an empty line is none; strictPhoenix: a frame of no bytes", () => {
    expect(framesOf("\n[1]\n\r\n\n[2]\n")).toEqual(["[1]", "[2]"]);
    expect(framesOf("")).toEqual([]);
    expect(framesOf("[1]\n", NDJSON, true)).toEqual(["[1]", Buffer.alloc(0)]);
    expect(framesOf("", NDJSON, true)).toEqual([Buffer.alloc(0)]);
  });

  it.each([
    [false, 1_000],
    [true, 100],
  ])("[LP8] strictPhoenix %j: %i lines are taken, and it says that there were more", (strict, most) => {
    expect(mostLines(strict)).toBe(most);
    const lines = Array.from({ length: most + 1 }, (_, i) => `[${i}]`);
    const all = read(lines.slice(0, most).join("\n"), NDJSON, strict);
    expect(all).toMatchObject({ more: false });
    const more = read(lines.join("\n"), NDJSON, strict);
    expect(more).toMatchObject({ more: true });
    expect("frames" in more && more.frames).toEqual(lines.slice(0, most));
  });
  it("[LP8] empty lines behind them are no more", () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => `[${i}]`);
    expect(read(`${lines.join("\n")}\n\n`)).toMatchObject({ more: false });
  });

  it("[LP9] [LP10] of another type, or of none, the whole body is one frame", () => {
    expect(framesOf("[1]\n[2]", "application/json")).toEqual(["[1]\n[2]"]);
    expect(framesOf("{}", NONE)).toEqual(["{}"]);
  });

  it("[LP11] a charset changes nothing; strictPhoenix: it is another type", () => {
    expect(framesOf("[1]\n[2]", "Application/X-NDJSON ; charset=utf-8")).toEqual(["[1]", "[2]"]);
    expect(framesOf("[1]\n[2]", `${NDJSON}; charset=utf-8`, true)).toEqual(["[1]\n[2]"]);
  });

  it("[MF23] a line that is neither text nor padded base64 refuses all of them", () => {
    for (const bad of ["!!!", "AAE", "AAEC=", "A", '{"topic":"t"}', " [1]", "AA-_"])
      expect(read(`[1]\n${bad}`)).toEqual({ refusal: "base64" });
  });

  it("[LP37] text that is not UTF-8 is malformed", () => {
    expect(read(Buffer.from([0x5b, 0xff, 0x5d]))).toEqual({ refusal: "malformed" });
    expect(read(Buffer.from([0xc3]), "text/plain")).toEqual({ refusal: "malformed" });
  });

  it("[MF24] a frame over the limit refuses all of them: of text the bytes count, of base64 those that it stands for", () => {
    expect(framesOf(`["${"x".repeat(6)}"]`, NDJSON, false, 10)).toHaveLength(1);
    expect(read(`["${"x".repeat(7)}"]`, NDJSON, false, 10)).toEqual({ refusal: "too-large" });
    expect(read('["äääää"]', NDJSON, false, 13)).toEqual({ refusal: "too-large" });
    expect(framesOf('["äääää"]', NDJSON, false, 14)).toHaveLength(1);
    expect(framesOf(Buffer.alloc(9).toString("base64"), NDJSON, false, 9)).toHaveLength(1);
    expect(read(Buffer.alloc(12).toString("base64"), NDJSON, false, 9)).toEqual({ refusal: "too-large" });
    expect(read("x".repeat(11), NONE, false, 10)).toEqual({ refusal: "too-large" });
  });

  it("[LP6] whatever frames a client batches come as they were", () => {
    const text = fc.json().map((json) => `[${json.replaceAll(/[\r\n]/g, " ")}]`);
    const frame = fc.oneof(text, fc.uint8Array({ minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 120 }), fc.constantFrom("\n", "\r\n"), (frames, end) => {
        const lines = frames.map((one) =>
          typeof one === "string" ? one : Buffer.from(one).toString("base64"),
        );
        const came = read(lines.join(end), NDJSON, false, 1e6);
        expect(
          "frames" in came && came.frames.map((one) => (typeof one === "string" ? one : [...one])),
        ).toEqual(frames.map((one) => (typeof one === "string" ? one : [...one])));
      }),
    );
  });

  it("[LP37] whatever bytes come, there is an answer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, strict) => {
        const came = read(bytes, NDJSON, strict);
        expect("frames" in came || came.refusal.length > 0).toBe(true);
      }),
    );
  });
});
