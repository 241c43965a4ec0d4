// [DF3] What the compiler knows of channels, and refuses.
import * as z from "zod";
import { accept, createChannels, defineChannel, deny, joined, push, refused, reply, stop } from "../index.ts";
import type { InfoOf, InOf, OutOf } from "../index.ts";

interface User {
  readonly id: string;
  readonly admin: boolean;
}
const room = defineChannel("room:*")
  .socket<{ user: User }>()
  .says<{ said: { text: string }; typing: { from: string } }>()
  .join(z.object({ device: z.string() }), async ({ params: [id], payload, socket }) => {
    id satisfies string;
    if (!socket.assigns.user.admin) return refused("unauthorized");
    return joined({ id, device: payload.device, n: 0 }, { motd: "hello" });
  })
  .joined((socket) => {
    socket.assigns.device satisfies string;
    socket.assigns.user.id satisfies string;
    socket.assign({ n: socket.assigns.n + 1 });
    // @ts-expect-error -- reason: n is a number
    socket.assign({ n: "1" });
    // @ts-expect-error -- reason: the channel does not say that
    socket.push("nope", {});
  })
  .handleIn("say", z.object({ text: z.string() }), ({ text }, socket) => {
    socket.broadcast("said", { text });
    // @ts-expect-error -- reason: text is missing
    socket.broadcastFrom("said", {});
    return reply({ text });
  })
  .handleIn("type", (_, socket) => push("typing", { from: socket.assigns.user.id }))
  // @ts-expect-error -- reason: a payload of another shape
  .handleIn("wrong", () => push("typing", { to: 1 }))
  .handleInfo<{ tick: number }>(({ tick }) =>
    tick > 1 ? stop("shutdown", push("said", { text: "bye" })) : undefined,
  );

room satisfies { pattern: "room:*" };
({}) as InOf<typeof room> satisfies { say: { text: string } };
({}) as OutOf<typeof room> satisfies { said: { text: string } };
({}) as InfoOf<typeof room> satisfies { tick: number };

const channels = createChannels({
  connect: async ({ authToken }) =>
    authToken ? accept({ user: { id: "a", admin: true } }, "users:a") : deny(401),
}).register(room);
channels.broadcast(room, ["lobby"], "said", { text: "hi" });
channels.broadcast("room:lobby", "anything", { n: 1 });
channels.sendInfo("socket", room, ["lobby"], { tick: 1 });
// @ts-expect-error -- reason: an event that room does not say
channels.broadcast(room, ["lobby"], "nope", {});
// @ts-expect-error -- reason: a payload of another shape
channels.broadcast(room, ["lobby"], "said", { text: 1 });
// @ts-expect-error -- reason: two params for one "*"
channels.broadcast(room, ["a", "b"], "said", { text: "x" });
// @ts-expect-error -- reason: another info
channels.sendInfo("socket", room, ["lobby"], { tock: 1 });
// @ts-expect-error -- reason: this connect gives no user
createChannels({ connect: () => accept({ nobody: true }) }).register(room);
// @ts-expect-error -- reason: a push is an object or bytes
push("x", [1]);
// @ts-expect-error -- reason: a reply answers a message; there is none
defineChannel("x:*").handleInfo(() => reply());
defineChannel("document:*:*").join(({ params: [tenant, id] }) => joined({ tenant, id }));

const present = defineChannel("room:*")
  .socket<{ user: User }>()
  .join(() => joined({ device: "desk" }))
  .presence({
    meta: z.object({ device: z.string(), n: z.number() }),
    key: ({ assigns }) => assigns.user.id,
    initial: ({ assigns }) => ({ device: assigns.device, n: 0 }),
    fetch: (_, presences) => new Map([...presences.keys()].map((key) => [key, { name: key }])),
  })
  .handleIn("more", (_, { presence }) => {
    presence.update((meta) => ({ ...meta, n: meta.n + 1 })) satisfies string;
    presence.track("tablet", { device: "tablet", n: 0 });
    presence.list().get("ada")?.[0]?.device satisfies string | undefined;
    // @ts-expect-error -- reason: n is missing
    presence.track({ device: "phone" });
    // @ts-expect-error -- reason: n is a number
    presence.update("tablet", (meta) => ({ ...meta, n: "1" }));
  });
channels.register(present);
channels.presence.getByKey(present, ["lobby"], "ada")[0]?.n satisfies number | undefined;
channels.presence.track(present, ["lobby"], "bot", "bot", { device: "server", n: 0 });
channels.presence.track("room:lobby", "bot", "bot", { anything: true });
// @ts-expect-error -- reason: a meta of another shape
channels.presence.track(present, ["lobby"], "bot", "bot", { device: 1, n: 0 });
defineChannel("x:*").joined(({ presence }) => {
  // @ts-expect-error -- reason: the channel declares no presence, so nothing is a meta of it
  presence.track("ada", {});
});
defineChannel("x:*")
  .presence()
  .joined(({ presence }) => void presence.track("ada", { any: ["thing"] }));
