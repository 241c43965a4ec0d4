// Entry point @calla/server/channels/wire: the Phoenix wire alone, for transports and clients of your own.
export { serialiserFor, serialisers } from "./vsn.ts";
export type { SerialiserOptions } from "./vsn.ts";
export type { JsonLimits } from "./json.ts";
export type { ChannelSerialiser } from "./serialiser.ts";
export { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
export { sharedMessage } from "./shared-message.ts";
export type { SharedMessage } from "./shared-message.ts";
export type { ClientMessage, Json, JsonObject, Payload, ServerMessage, ServerReply } from "./message.ts";
