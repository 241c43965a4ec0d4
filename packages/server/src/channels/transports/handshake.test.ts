// The order of the checks, and what the app and the records see of the request, without a server; what is answered on the wire
// is in phoenix-websocket.test.ts.
import { describe, expect, it } from "vitest";
import { accepted, StubChannels } from "../../../test/stub-channels.ts";
import { handshake, handshakeProblem, type HandshakeOutcome } from "./handshake.ts";
import { mountOf } from "./mount.ts";
import type { PhoenixOptions } from "./mount.ts";

const HEADER = "sec-websocket-protocol";
const TOKEN = "base64url.bearer.phx.dG9r";

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly protocols?: string;
}

function asking(
  channels: StubChannels,
  options: PhoenixOptions = {},
  { method = "GET", url = "/socket/websocket?vsn=2.0.0", protocols }: Asked = {},
): HandshakeOutcome | Promise<HandshakeOutcome> {
  const headers: Record<string, string> = protocols === undefined ? {} : { [HEADER]: protocols };
  const state = { closing: false, full: false, signal: new AbortController().signal };
  const request = { method, url, headers, remoteAddress: "127.0.0.1", variables: {} };
  return handshake(channels, mountOf(channels, options), request, state);
}

describe("a handshake of a Phoenix client", () => {
  it("[CN15] asks connect last: not for a wrong method, origin, token, subprotocol or vsn", () => {
    const channels = new StubChannels();
    const reasons = (options: PhoenixOptions, asked: Asked, allows = true): string | undefined => {
      channels.allowsOrigin = () => allows;
      expect(asking(channels, options, asked)).toMatchObject({ welcome: false });
      return channels.refusals.at(-1)?.reason;
    };
    const wrong = { method: "POST", url: "/?vsn=9", protocols: "base64url.bearer.phx.!" };
    // Of all that is wrong, the first in order is told; then that is right, and the next is.
    expect(reasons({ authToken: true }, wrong, false)).toBe("method");
    expect(reasons({ authToken: true }, { ...wrong, method: "GET" }, false)).toBe("origin");
    expect(reasons({ authToken: true }, { ...wrong, method: "GET" })).toBe("token");
    expect(reasons({ authToken: true }, { url: wrong.url, protocols: "other" })).toBe("subprotocol");
    expect(reasons({ authToken: true }, { url: wrong.url, protocols: "phoenix" })).toBe("vsn");
    expect(channels.asked).toEqual([]);
    channels.decide = () => ({ accepted: false, status: 401, body: "who?" });
    expect(asking(channels)).toEqual({ welcome: false, status: 401, body: "who?" });
    expect(channels.asked).toHaveLength(1);
    expect(channels.refusals.at(-1)?.reason).toBe("connect");
  });

  it("[CN68] says once that a token came where the mount reads none, and to nobody who may not come in", () => {
    const channels = new StubChannels();
    const mount = mountOf(channels, { path: "/socket" });
    const ask = (protocols: string): unknown =>
      handshake(
        channels,
        mount,
        {
          method: "GET",
          url: "/socket/websocket?vsn=2.0.0",
          headers: { [HEADER]: protocols },
          remoteAddress: "127.0.0.1",
          variables: {},
        },
        { closing: false, full: false, signal: new AbortController().signal },
      );
    channels.allowsOrigin = () => false;
    ask(`phoenix, ${TOKEN}`);
    channels.allowsOrigin = () => true;
    ask("phoenix");
    expect(channels.errors).toEqual([]);
    ask(`phoenix, ${TOKEN}`);
    ask(`phoenix, ${TOKEN}`);
    expect(channels.errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("{ authToken: true }") as string }),
    ]);
    asking(channels, { authToken: true }, { protocols: `phoenix, ${TOKEN}` });
    expect(channels.errors).toHaveLength(1);
  });

  it("[CN11] waits for a connect that takes its time", async () => {
    const channels = new StubChannels();
    channels.decide = (request) => Promise.resolve(accepted(request, { who: "anna" }));
    const outcome = asking(channels);
    expect(outcome).toBeInstanceOf(Promise);
    expect(await outcome).toMatchObject({
      welcome: true,
      admitted: { assigns: { who: "anna" } },
      serialiser: { vsn: "2.0.0" },
      protocol: undefined,
    });
  });

  it("[CN30] shows the app the token, and otherwise what the client wrote of its subprotocols", () => {
    const seen = (protocols: string, authToken: boolean): unknown[] => {
      const channels = new StubChannels();
      asking(channels, { authToken }, { protocols });
      return channels.asked.map((request) => [request.authToken, request.headers[HEADER]]);
    };
    expect(seen(`phoenix,${TOKEN}`, true)).toEqual([["tok", "phoenix"]]);
    expect(seen(TOKEN, true)).toEqual([["tok", undefined]]);
    expect(seen(`a,phoenix, ${TOKEN}`, true)).toEqual([["tok", "a, phoenix"]]);
    // Nothing was taken, so nothing is written otherwise than it came.
    expect(seen("a,phoenix", true)).toEqual([[undefined, "a,phoenix"]]);
    expect(seen(`phoenix,${TOKEN}`, false)).toEqual([[undefined, `phoenix,${TOKEN}`]]);
  });

  it("[CN24] [CN25] says what is wrong with it as a WebSocket's", () => {
    const headers = {
      connection: "keep-alive, Upgrade",
      upgrade: "WebSocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
    };
    expect(handshakeProblem({ headers })).toBe(undefined);
    for (const name of Object.keys(headers)) {
      expect(handshakeProblem({ headers: { ...headers, [name]: "x" } }), name).toMatch(/^The .* must .*[.]$/);
      expect(handshakeProblem({ headers: { ...headers, [name]: undefined } }), name).toMatch(/^The /);
    }
  });
});
