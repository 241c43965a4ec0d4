import { describe, expect, test } from "vitest";
import {
  formatOf,
  headersFor,
  isForged,
  knownFormats,
  preflight,
  speaksCalla,
  wantsStream,
} from "./request.ts";

const asked = (headers: Record<string, string | string[] | undefined>) => ({
  url: "/calla",
  headers,
  remoteAddress: "192.0.2.1",
});
const formats = [{ name: "json" }, { name: "MessagePack" }];

describe("a request's content type", () => {
  test("names a format of the server's, whatever its case and parameters", () => {
    const of = (type?: string | string[]) => formatOf(asked({ "content-type": type }), formats);
    expect(of("application/calla.json")).toBe("json");
    expect(of("Application/Calla.MESSAGEPACK ; charset=utf-8")).toBe("MessagePack");
    expect(of(["application/calla.json", "text/plain"])).toBe("json");
    for (const other of [
      undefined,
      "",
      "application/json",
      "text/plain",
      "application/calla.cbor",
      "x application/calla.json",
    ])
      expect(of(other), other).toBeUndefined();
  });

  test("knows a request to a Calla server in another format from one to something else", () => {
    expect(speaksCalla(asked({ "content-type": "application/calla.cbor" }))).toBe(true);
    expect(speaksCalla(asked({ "content-type": "application/json" }))).toBe(false);
    expect(speaksCalla(asked({}))).toBe(false);
    expect(knownFormats(formats)).toBe("application/calla.json, application/calla.MessagePack");
  });
});

test("a stream is wanted where the request accepts events", () => {
  expect(wantsStream(asked({ accept: "text/event-stream" }))).toBe(true);
  expect(wantsStream(asked({ accept: "*/*" }))).toBe(false);
  expect(wantsStream(asked({}))).toBe(false);
});

test("a request of another site's page that hides its origin is forged; a program's is not", () => {
  const forged = (site?: string, origin?: string) => isForged(asked({ "sec-fetch-site": site, origin }));
  expect([forged("cross-site"), forged("same-site")]).toEqual([true, true]);
  expect([forged("same-origin"), forged("none"), forged()]).toEqual([false, false, false]);
  expect(forged("cross-site", "https://other.example")).toBe(false); // which there is to decide by
});

describe("every answer", () => {
  const from = asked({ origin: "https://app.example" });

  test("is kept by no cache and varies by the origin", () => {
    for (const headers of [headersFor(from, false, true), headersFor(asked({}), true, true)]) {
      expect(headers).toMatchObject({ "cache-control": "no-store, no-transform", vary: "Origin" });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });

  test("may be read by an allowed page, with credentials only where they are meant", () => {
    const origin = { "access-control-allow-origin": "https://app.example" };
    expect(headersFor(from, true, false)).toMatchObject(origin);
    expect(headersFor(from, true, false)).not.toHaveProperty("access-control-allow-credentials");
    expect(headersFor(from, true, true)).toMatchObject({
      ...origin,
      "access-control-allow-credentials": "true",
    });
  });

  test("to a preflight allows what a client of ours sends, and has no body", () => {
    const { status, headers, text } = preflight(headersFor(from, true, false));
    expect([status, text]).toEqual([204, ""]);
    expect(headers).toMatchObject({
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type, accept",
      "access-control-allow-origin": "https://app.example",
    });
  });
});
