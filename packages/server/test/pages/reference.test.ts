// docs/channels-reference.md: its module map against api/, its table of calls against two nodes, its frames against the
// serialisers and a mount.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, test } from "vitest";
import * as z from "zod";
import type { Connection, WireFrame } from "../../src/base/connection.ts";
import {
  accept,
  createChannels,
  defineChannel,
  joined,
  phoenix,
  push,
  reply,
} from "../../src/channels/index.ts";
import type { Channels } from "../../src/channels/index.ts";
import { hostOf } from "../../src/channels/engine/hosts.ts";
import type { Admitted } from "../../src/channels/engine/host.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { settled, talk } from "../phoenix-talk.ts";
import { codesIn, rowsOf, sectionOf, textOf } from "./page.ts";

const page = await textOf("docs/channels-reference.md");

describe("[CF3] the module map", () => {
  test.each([
    ["@calla/server/channels", "api/server.channels.api.md"],
    ["@calla/server/channels/wire", "api/server.channels.wire.api.md"],
  ])("of %s has what %s has", async (entry, report) => {
    const exported = (await textOf(report)).matchAll(
      /^export (?:const|function|class|interface|type) (\w+)/gm,
    );
    const listed = rowsOf(sectionOf(page, `### \`${entry}\``)).flatMap(([first]) => codesIn(first!));
    expect(listed.toSorted()).toEqual([...new Set([...exported].map(([, name]) => name!))].toSorted());
  });
});

// ------------------------------------------------------------------------------------------------ who hears what

const room = defineChannel("room:*")
  .says<{ said: { n: number } }>()
  .join(() => joined())
  .handleIn("reply", () => reply({ n: 1 }))
  .handleIn("later", (_, socket) => {
    const { ref } = socket;
    queueMicrotask(() => {
      socket.reply(ref, reply({ n: 1 }));
      socket.reply(ref, reply({ n: 2 }));
    });
  })
  .handleIn("returned", () => push("said", { n: 1 }))
  .handleIn("push", (_, socket) => socket.push("said", { n: 1 }))
  .handleIn("broadcast", (_, socket) => socket.broadcast("said", { n: 1 }))
  .handleIn("broadcastFrom", (_, socket) => socket.broadcastFrom("said", { n: 1 }))
  .handleIn("who", (_, socket) => reply({ id: socket.socketId }))
  .handleInfo<{ n: number }>((told, socket) => void infos.push([socket.socketId, told]))
  .mayStay(() => false);
let infos: unknown[] = [];

/** Ada and Bo on one node, Cy on the other, all in room:a; Dee is on the first, in room:b. */
function world() {
  infos = [];
  const pubsub = localPubSub();
  const node = () =>
    createChannels({
      pubsub,
      connect: ({ params }) => accept({}, `users:${String(params["user"])}`),
    }).register(room);
  const [one, two] = [node(), node()];
  const come = (channels: Channels, user: string, topic: string) => {
    const client = talk(channels, { params: { user } });
    client.join(topic);
    return client;
  };
  const clients = {
    ada: come(one, "ada", "room:a"),
    bo: come(one, "bo", "room:a"),
    cy: come(two, "cy", "room:a"),
    dee: come(one, "dee", "room:b"),
  };
  const [answer] = clients.ada.say(["1", "9", "room:a", "who", {}]);
  const { id } = (answer as { readonly response: { readonly id: string } }[])[4]!.response;
  const hear = () =>
    Object.entries(clients).flatMap(([name, client]) =>
      client.take().map((frame) => [name, (frame as unknown[])[3]] as const),
    );
  return { one, two, clients, id, hear };
}
type World = ReturnType<typeof world>;
type Heard = readonly (readonly [client: string, event: string])[];
const all: Heard = [
  ["ada", "said"],
  ["bo", "said"],
  ["cy", "said"],
];
const says =
  (event: string) =>
  ({ clients: { ada } }: World) => {
    const heard = ada.say(["1", "2", "room:a", event, {}]);
    ada.heard.push(...heard);
  };

const calls: Readonly<
  Record<string, { by(world: World): unknown; heard: Heard; also?(world: World): void }>
> = {
  "reply(response)": { by: says("reply"), heard: [["ada", "phx_reply"]] },
  "socket.reply(ref, reply(…))": { by: says("later"), heard: [["ada", "phx_reply"]] },
  "push(event, payload)": { by: says("returned"), heard: [["ada", "said"]] },
  "socket.push(event, payload)": { by: says("push"), heard: [["ada", "said"]] },
  "socket.broadcast(event, payload)": { by: says("broadcast"), heard: all },
  "socket.broadcastFrom(event, payload)": { by: says("broadcastFrom"), heard: all.slice(1) },
  "channels.broadcast(topic, event, payload)": {
    by: ({ one }) => one.broadcast("room:a", "said", { n: 1 }),
    heard: all,
  },
  "channels.broadcast(channel, params, event, payload)": {
    by: ({ two }) => two.broadcast(room, ["a"], "said", { n: 1 }),
    heard: all,
  },
  "channels.broadcastFrom(socketId, topic, event, payload)": {
    // Also where another node says it.
    by: ({ two, id }) => two.broadcastFrom(id, "room:a", "said", { n: 1 }),
    heard: all.slice(1),
  },
  "channels.localBroadcast(topic, event, payload)": {
    by: ({ one }) => one.localBroadcast(room, ["a"], "said", { n: 1 }),
    heard: all.slice(0, 2),
  },
  "channels.push(socketId, topic, event, payload)": {
    by({ one, two, id }) {
      expect(two.push(id, room, ["a"], "said", { n: 1 })).toBe(false);
      expect(one.push(id, "room:b", "said", { n: 1 })).toBe(false);
      expect(one.push(id, room, ["a"], "said", { n: 1 })).toBe(true);
    },
    heard: [["ada", "said"]],
  },
  "channels.sendInfo(socketId, topic, message)": {
    by({ one, two, id }) {
      two.sendInfo(id, room, ["a"], { n: 2 });
      one.sendInfo(id, "room:b", { n: 3 });
      one.sendInfo(id, room, ["a"], { n: 1 });
    },
    heard: [],
    also: ({ id }) => expect(infos).toEqual([[id, { n: 1 }]]),
  },
  "channels.disconnect(id)": {
    by: ({ one }) => one.disconnect("users:cy"),
    heard: [],
    also: ({ clients }) =>
      expect(Object.entries(clients).filter(([, { closed }]) => closed.length > 0)).toMatchObject([
        ["cy", {}],
      ]),
  },
  "channels.reauthorise(id?)": {
    by: ({ one }) => one.reauthorise("users:cy"),
    heard: [["cy", "phx_close"]],
  },
};

describe("[CF3] who hears what", () => {
  const rows = rowsOf(sectionOf(page, "## Who hears what"));
  it("has a test for each row", () => {
    expect(rows.map(([first]) => codesIn(first!)[0])).toEqual(Object.keys(calls));
  });
  it.each(Object.entries(calls))("%s", async (_, { by, heard, also }) => {
    const here = world();
    by(here);
    await settled();
    expect(here.hear()).toEqual(heard);
    also?.(here);
  });
  it.each(rows.filter(([, , , acknowledged]) => acknowledged === "it is one").map(([call]) => call!))(
    "%s alone is an acknowledgement",
    async (call) => {
      expect(calls[codesIn(call)[0]!]!.heard).toEqual([["ada", "phx_reply"]]);
    },
  );
  it("what crosses nodes is what the page says", () => {
    const crossing = rows.filter(([, , nodes]) => nodes === "all").map(([call]) => codesIn(call!)[0]!);
    const reached = Object.entries(calls).filter(
      ([call, { heard }]) => heard.some(([client]) => client === "cy") || call === "channels.disconnect(id)",
    );
    expect(reached.map(([call]) => call)).toEqual(crossing);
  });
});

// ---------------------------------------------------------------------------------------------------- on the wire

const spoken = defineChannel("room:*")
  .says<{ welcome: { as: string }; said: { text: string }; ink: Uint8Array; drawn: Uint8Array }>()
  .join(z.object({ as: z.string() }), ({ params: [here], payload }) => joined(payload, { here }))
  .joined((socket) => socket.push("welcome", { as: socket.assigns.as }))
  .handleIn("say", z.object({ text: z.string() }, { error: "no text" }), ({ text }, socket) => {
    socket.broadcast("said", { text });
    return reply({ n: 1 });
  })
  .handleIn("crash", () => {
    throw new Error("as asked");
  })
  .handleBinary("draw", (bytes, socket) => {
    socket.push("ink", Uint8Array.of(3));
    socket.broadcast("drawn", bytes);
    return reply(Uint8Array.of(2));
  });
const speaking = (): Channels => createChannels({ onError: () => undefined }).register(spoken);

/** A client that hears whole frames. */
function listener(channels: Channels, vsn: "1.0.0" | "2.0.0") {
  const host = hostOf(channels);
  const heard: WireFrame[] = [];
  const connection: Connection = {
    send: (frame) => void heard.push(frame),
    close: () => undefined,
    bufferedAmount: () => 0,
  };
  const request = { url: "/", headers: {}, remoteAddress: undefined, params: {}, vsn, authToken: undefined };
  const admitted: Admitted = {
    accepted: true,
    request: { ...request, transport: "websocket" },
    assigns: {},
    id: undefined,
  };
  const wired = host.connect({ connection, admitted, serialiser: host.serialiserFor(vsn)! });
  return { heard, say: (frame: string | Uint8Array) => wired.incoming(frame) };
}
/** Each thing that the client says, and what it hears then. */
function exchanges(rows: readonly (readonly string[])[], column: number) {
  const turns: { readonly said: string; readonly heard: string[] }[] = [];
  for (const row of rows) {
    const frame = codesIn(row[column]!).at(-1)!;
    if (row[0] === "→") turns.push({ said: frame, heard: [] });
    else turns.at(-1)!.heard.push(frame);
  }
  return turns;
}

describe("[CF4] on the wire", () => {
  const conversation = rowsOf(sectionOf(page, "## On the wire").split("###")[0]!);
  it.each([
    ["1.0.0", 2],
    ["2.0.0", 3],
  ] as const)("the conversation of version %s is spoken byte for byte", async (vsn, column) => {
    const client = listener(speaking(), vsn);
    const turns = exchanges(conversation, column);
    expect(turns.length).toBe(7);
    for (const { said, heard } of turns) {
      client.say(said);
      await settled();
      const came = client.heard.splice(0);
      expect(came.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(heard);
      expect(came.every(({ text }) => text)).toBe(true);
    }
  });

  it("so are bytes", () => {
    const client = listener(speaking(), "2.0.0");
    client.say('["2","1","room:a","phx_join",{"as":"ada"}]');
    client.heard.length = 0;
    const [{ said, heard }, ...none] = exchanges(rowsOf(sectionOf(page, "### Bytes")), 2) as [
      { said: string; heard: string[] },
    ];
    expect(none).toEqual([]);
    client.say(new Uint8Array(Buffer.from(said.replaceAll(" ", ""), "hex")));
    expect(client.heard.map(({ bytes, text }) => [text, Buffer.from(bytes).toString("hex")])).toEqual(
      heard.map((frame) => [false, frame.replaceAll(" ", "")]),
    );
  });

  it("so are the requests of LongPoll", async () => {
    const channels = speaking();
    const mount = phoenix(channels);
    const httpServer = createServer((request, response) => void mount.handle(request, response));
    await new Promise<void>((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
    try {
      const base = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
      let token = "";
      const requests = rowsOf(sectionOf(page, "### LongPoll"));
      expect(requests).toHaveLength(5);
      for (const [request, said, answer] of requests) {
        const [method, path] = codesIn(request!)[0]!.split(" ");
        const [body] = codesIn(said!);
        const response = await fetch(base + path!.replace("=T", `=${token}`), {
          method: method!,
          ...(body === undefined ? {} : { body }),
        });
        const text = await response.text();
        token = (JSON.parse(text) as { token?: string }).token ?? token;
        expect(token === "" ? text : text.replace(token, "T")).toBe(codesIn(answer!)[0]);
      }
    } finally {
      await channels.stop();
      await mount.close();
      httpServer.closeAllConnections();
      httpServer.close();
    }
  });
});
