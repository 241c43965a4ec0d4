// Entry point @calla/server/channels/wire: the Phoenix wire alone, for transports and clients of your own.
export type { ChannelSerialiser } from "./serialiser.ts";
export { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
export type { ClientMessage, Json, JsonObject, Payload, ServerMessage, ServerReply } from "./message.ts";
