import { expect, it } from "vitest";
import { AnswerReader } from "./answer.ts";

const head = (...lines: string[]): string => ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
/** What is read of a text that comes byte by byte, and at which byte it is whole. */
const readSlowly = (text: string, method = "GET"): { body: string | undefined; left: number } => {
  const reader = new AnswerReader(method);
  const bytes = Buffer.from(text, "latin1");
  for (let i = 0; i < bytes.length; i += 1) {
    const answer = reader.read(bytes.subarray(i, i + 1));
    if (answer !== undefined) return { body: answer.body.toString(), left: bytes.length - i - 1 };
  }
  return { body: reader.read(Buffer.alloc(0), true)?.body.toString(), left: 0 };
};

it("reads a body of a known length, in chunks, or up to the end", () => {
  expect(readSlowly(`${head("Content-Length: 3")}abcd`)).toEqual({ body: "abc", left: 1 });
  expect(readSlowly(`${head("transfer-encoding: chunked")}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`)).toEqual({
    body: "abc",
    left: 0,
  });
  expect(readSlowly(`${head()}abc`)).toEqual({ body: "abc", left: 0 });
  expect(readSlowly(head("content-length: 3"), "HEAD")).toEqual({ body: "", left: 0 });
  expect(readSlowly("HTTP/1.1 200 OK\r\n")).toEqual({ body: undefined, left: 0 });
});

it("joins repeated headers, and shows what is behind a 101", () => {
  const reader = new AnswerReader("GET");
  const text = "HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\nx-a: 2\r\n\r\nframes";
  expect(reader.read(Buffer.from(text))).toEqual({
    status: 101,
    headers: Object.assign(Object.create(null), { "x-a": "1, 2" }),
    body: Buffer.alloc(0),
  });
  expect(reader.behind.toString()).toBe("frames");
});
