// What the console says in development about clients that name something wrong.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { wire } from "../../test/wired.ts";
import { talk } from "../../test/phoenix-talk.ts";
import { hostOf } from "./engine/hosts.ts";
import { createChannels, defineChannel } from "./index.ts";
import type { Channels, ChannelsOptions } from "./index.ts";
import { mountOf } from "./transports/mount.ts";

let printed: string[];
beforeEach(() => {
  printed = [];
  vi.stubEnv("NODE_ENV", "development");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("a topic that nobody serves", () => {
  it("[JN33] is told of once for each name, with what is registered, and at most 20 times", () => {
    const client = talk(createChannels().register(defineChannel("rooms:*")).register(defineChannel("top")));
    client.join("room:lobby");
    client.join("room:garden");
    expect(printed).toEqual([
      'calla: nobody serves "room:lobby", which a client asked for; registered: "rooms:*", "top".\n',
    ]);
    for (let name = 0; name < 30; name++) client.join(`${name}:1`);
    expect(printed).toHaveLength(20);
    talk(createChannels()).join("x".repeat(1_000));
    expect(printed.at(-1)).toMatch(/^calla: nobody serves "x{256}…", .* registered: nothing\.\n$/);
  });

  it.each(["production", "test"])("[JN33] in %s nobody is told", (where) => {
    vi.stubEnv("NODE_ENV", where);
    talk(createChannels()).join("room:lobby");
    expect(printed).toEqual([]);
  });

  it("[JN33] its record has the patterns, up to 20, or says that it is not joined", () => {
    const records: unknown[] = [];
    const channels = createChannels({ onRefused: (refused) => records.push(refused) });
    const patterns = Array.from({ length: 25 }, (_, i) => `${i}:*`);
    for (const pattern of patterns) channels.register(defineChannel(pattern));
    const client = talk(channels);
    client.join("room:lobby");
    client.say(["1", "2", "room:lobby", "say", {}]);
    client.say(["1", "3", "3:1", "say", {}]);
    client.say(["1", "4", 3, "say", {}]);
    const known = patterns.slice(0, 20);
    expect(records).toMatchObject([
      { code: "unmatched-topic", topic: "room:lobby", details: { event: "phx_join", patterns: known } },
      { code: "unmatched-topic", topic: "room:lobby", details: { event: "say", patterns: known } },
      { code: "unmatched-topic", topic: "3:1", details: { event: "say", joined: false } },
      { code: "unmatched-topic", topic: undefined, details: { event: "say", patterns: known } },
    ]);
    expect(printed).toHaveLength(1);
  });
});

describe("a page that may not connect", () => {
  const asked = (channels: Channels, origin: string, host = "localhost"): void => {
    const request = { url: "/", headers: { origin, host }, remoteAddress: undefined };
    const refusal = mountOf(hostOf(channels), {}).refusalOf(request);
    hostOf(channels).refused({ ...refusal!, request });
  };
  it("[CN70] is told of once for each origin, with the option that lets it in, and at most 20 times", () => {
    const records: unknown[] = [];
    const options: ChannelsOptions<object> = {
      onRefused: ({ socketId, details }) => records.push([socketId, details]),
    };
    const channels = createChannels(options);
    asked(channels, "http://localhost:5173");
    asked(channels, "http://localhost:5173");
    const cure = (call: string) =>
      `Pages of the origin "http://localhost:5173" may not connect. If it is your app's, write ${call}({ origins: ["http://localhost:5173"] }).`;
    expect(printed).toEqual([`calla: ${cure("createChannels")}\n`]);
    const record = [undefined, { status: 403, reason: "origin", url: "/", why: cure("createChannels") }];
    expect(records).toEqual([record, record]);
    for (let port = 1; port < 30; port++) asked(channels, `http://localhost:${port}`);
    expect(printed).toHaveLength(20);
    const { server } = wire();
    printed.length = 0; // that it is development
    asked(createChannels({ beside: server }), "http://localhost:5173");
    expect(printed).toEqual([`calla: ${cure("createServer")}\n`]);
  });

  it("[CN70] [AU9] a file, which has no origin that could be named, is told to come from a server", () => {
    asked(createChannels(), "null");
    expect(printed).toEqual([
      expect.stringMatching(/^calla: Pages of the origin "null" .* let a web server bring it/),
    ]);
  });

  it("[CN70] and so is a name of the server that is none of its own", () => {
    asked(createChannels(), "http://evil.example", "evil.example");
    expect(printed).toEqual([expect.stringMatching(/^calla: In development .*hosts: \["evil.example"\]/)]);
  });
});
