import fc from "fast-check";
import { expect, test } from "vitest";
import { Requests } from "./requests.ts";
import type { Piece } from "./requests.ts";

/** The text in pieces of any size. */
const inPieces = (text: string) =>
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }).map((sizes) => {
    const pieces: Buffer[] = [];
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length]!;
      pieces.push(Buffer.from(text.slice(at, at + size), "latin1"));
      at += size;
    }
    return pieces;
  });
const read = (pieces: readonly Buffer[]): readonly Piece[] => {
  const requests = new Requests();
  return pieces.flatMap((piece) => requests.take(piece));
};
const textOf = (pieces: readonly Piece[]): string =>
  pieces.map(({ bytes }) => bytes.toString("latin1")).join("");

const POST = "POST /calla?a=1 HTTP/1.1\r\nContent-Length: 24\r\n\r\nGET /ws HTTP/1.1\r\n\r\nbody";
const GET = "GET /script.js HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nupgrade: WebSocket\r\n\r\n";
const FRAMES = `\u0081\u0005hello${GET}`;

test("[PW1] requests are found wherever TCP cuts them, none in a body or behind an upgrade, and all goes on", () => {
  fc.assert(
    fc.property(inPieces(POST + GET + UPGRADE + FRAMES), (pieces) => {
      const found = read(pieces);
      expect(textOf(found)).toBe(POST + GET + UPGRADE + FRAMES);
      expect(found.flatMap(({ request }) => request ?? [])).toEqual([
        { path: "/calla?a=1", webSocket: false },
        { path: "/script.js", webSocket: false },
        { path: "/ws", webSocket: true },
      ]);
    }),
  );
});

test.each([
  ["no HTTP", `\u0016\u0003\u0001 hello\r\n\r\n${GET}`, 0],
  [
    "a body of no known length",
    `POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n${GET}`,
    1,
  ],
  ["a head that never ends", `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(20_000)}`, 1],
])("[PW1] %s goes on as it is", (_, text, requests) => {
  const found = read([Buffer.from(text, "latin1")]);
  expect(textOf(found)).toBe(text);
  expect(found.filter(({ request }) => request)).toHaveLength(requests);
});
