// Mistakes that make the pages about channels untrue. As in mutants.mjs.

const channels = "server/src/channels/channels.test.ts";
const words = "server/src/channels/codes/channel-codes.test.ts";
const reference = "server/test/pages/reference.test.ts";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const wordsMutants = [
  {
    name: "say that a node takes connections while it drains",
    file: "server/src/channels/channels.ts",
    from: `return !sockets.leaving;`,
    to: `return sockets.size >= 0;`,
    breaks: "DC16",
    scenario: "",
    by: `${channels} > [DC16] ready until it drains`,
  },
  {
    name: "tell a client another reason for a join that took too long",
    file: "server/src/channels/engine/phoenix-socket.ts",
    from: `const response: Told = { reason: "timeout" };`,
    to: `const response: Told = { reason: "join crashed" };`,
    breaks: "CF5",
    scenario: "",
    by: `${words} > timeout`,
  },
  {
    name: "close a connection that is sent away by another reason than is written",
    file: "server/src/channels/channels.ts",
    from: `messages.tell({ type: "disconnect", id });
      sockets.disconnect(id, CLOSE.disconnected, "disconnected");`,
    to: `messages.tell({ type: "disconnect", id });
      sockets.disconnect(id, CLOSE.disconnected, "closing");`,
    breaks: "CF5",
    scenario: "",
    by: `${words} > disconnected`,
  },
  {
    name: "keep to oneself what the app's check of origins threw",
    file: "server/src/house/house.ts",
    from: `{ report }),`,
    to: `{}),`,
    breaks: "AU11",
    scenario: "",
    by: "server/src/house/house.test.ts > [AU11] reports what the function threw",
  },
  {
    name: "keep to oneself what a mount's check of origins threw",
    file: "server/src/channels/transports/mount.ts",
    from: `, report: host.report },`,
    to: ` },`,
    breaks: "AU11",
    scenario: "",
    by: "server/test/pages/request-refusals.test.ts > the mount's origins that throws",
  },
  {
    name: "write the response of a reply before its status",
    file: "server/src/channels/wire/v2.ts",
    from: `"phx_reply",{"status":\${jsonText(status)},"response":\${jsonText(response)}}]`,
    to: `"phx_reply",{"response":\${jsonText(response)},"status":\${jsonText(status)}}]`,
    breaks: "CF4",
    scenario: "",
    by: `${reference} > the conversation of version 2.0.0`,
  },
];
