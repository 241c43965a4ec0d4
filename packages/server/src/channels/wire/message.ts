// What is said over the Phoenix wire, whatever serialiser carries it. A client's fields are what came: refs may be any
// JSON, and topic and event need not be text (W2, W18a); who reads them checks.

/** What JSON carries. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** An object of JSON. A field that is undefined is not said. A `type` fits; an `interface` does not, as TypeScript has it. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** What a server pushes and broadcasts: an object, or bytes, which leave as a binary frame (V2 over WebSocket only). */
export type Payload = JsonObject | Uint8Array;

/** A frame of a client. */
export interface ClientMessage {
  readonly joinRef: Json;
  readonly ref: Json;
  readonly topic: Json;
  readonly event: Json;
  readonly payload: Json | Uint8Array;
}

/** A push (`ref` null), a broadcast (both null), or the end of a channel (`phx_close`, `phx_error`: both its join_ref). */
export interface ServerMessage {
  readonly joinRef: Json;
  readonly ref: Json;
  readonly topic: string;
  readonly event: string;
  readonly payload: Json | Uint8Array;
}

/** The answer to a message of a client: a `phx_reply`. The topic is what the client wrote, be it no text (W18a). */
export interface ServerReply {
  readonly joinRef: Json;
  readonly ref: Json;
  readonly topic: Json;
  readonly status: string;
  readonly response: Json | Uint8Array;
}
