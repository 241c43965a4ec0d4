// What the words mean by which the channels tell clients, operators and observers that something went wrong, and what to do
// about each. docs/channels-errors.md is printed from these tables; the compiler holds them to the types that the sources
// say them by. No running code reads them.
import type { ChannelEvent, ChannelRefusal } from "../engine/channels-context.ts";
import type { ChannelReason, CloseReason, RequestRefusal } from "../engine/words.ts";

/** What a client is told: `reason` in the response of an error reply, or in `phx_error`. */
const channelReasons = {
  channel_crash: {
    of: "`phx_error`",
    when: "A handler threw, rejected or returned `stop(new Error(…))`, or the client said an event whose name is no text.",
    client: "Joins again, by the join handler, with new assigns.",
    cure: '`onError` has the error. Mend the handler, or answer `reply("error", …)`.',
  },
  "invalid params": {
    of: "join",
    when: "What the client gave does not fit the join's schema. `issues` has path and message of each.",
    client: "Asks again until it leaves.",
    cure: "Give `socket.channel(topic, params)` what the schema says; leave where it cannot be had.",
  },
  "invalid payload": {
    of: "message",
    when: "The payload does not fit the event's schema. `issues` has path and message of each.",
    client: 'Goes on; `push.receive("error")` hears it.',
    cure: "Mend the payload, or the schema.",
  },
  "join crashed": {
    of: "join",
    when: "The join handler threw, rejected, or returned neither `joined()` nor `refused()`.",
    client: "Asks again until it leaves.",
    cure: "`onError` has the error. Mend the handler.",
  },
  rate_limited: {
    of: "join, message",
    when: "More than `joinRate`, `messageRate` or `channelRate` lets through. The handler does not run.",
    client: "Of a join: asks again. Of a message: goes on, and does not say it again.",
    cure: "Say less, or raise the rate that `onRefused` names.",
  },
  timeout: {
    of: "join",
    when: "The join handler took longer than `joinTimeout`. Its signal aborts.",
    client: "Asks again until it leaves.",
    cure: "Make the handler faster; load what takes long in `joined`, and push it.",
  },
  "too long": {
    of: "join, message",
    when: "The topic, join_ref or ref has more than 1,024 units as JSON.",
    client: "Goes on.",
    cure: "phoenix.js writes short refs: look which client sends these. Name topics in fewer characters.",
  },
  "too many channels joined": {
    of: "join",
    when: "The connection has `maxChannelsPerSocket` topics.",
    client: "Asks again until it leaves.",
    cure: "Leave topics that are not looked at, or raise the limit.",
  },
  "unmatched event": {
    of: "message",
    when: "No handler takes the event. Under `strictPhoenix` the channel crashes instead.",
    client: 'Goes on; `push.receive("error")` hears it.',
    cure: "Add `handleIn` (or `handleBinary`, for bytes) for the event, or `handleOther`.",
  },
  "unmatched topic": {
    of: "join, message",
    when: "No registered pattern takes the topic; or the topic is not joined, or not any more.",
    client: "Of a join: asks again. Of a message: goes on.",
    cure: 'Register a channel for the topic; push behind the join\'s "ok".',
  },
} as const satisfies Record<
  ChannelReason,
  { readonly of: string; readonly when: string; readonly client: string; readonly cure: string }
>;

/** The reasons of close frames. */
const closeReasons = {
  busy: {
    codes: [1013],
    when: "More waits for the handlers of this connection than `maxWaitingMessages` or `maxWaitingBytes`; or the server holds more unfinished bytes than it may.",
    cure: "Make the handler faster that `onRefused` points at, or let it answer later.",
  },
  closing: {
    codes: [1001],
    when: "`mount.close()`.",
    cure: "Nothing.",
  },
  disconnected: {
    codes: [1001],
    when: "`channels.disconnect(id)`.",
    cure: "Nothing. Who must not come back is to be denied by `connect`.",
  },
  draining: {
    codes: [1012],
    when: "`drain` or `stop`, of the channels or of the server beside them.",
    cure: "Nothing.",
  },
  failed: {
    codes: [1011],
    when: "Calla threw as the connection was wired in.",
    cure: "`onError` has the error; please report it.",
  },
  heartbeat: {
    codes: [1001],
    when: "The client sent no frame for the mount's `timeout` (60 s).",
    cure: "Nothing: the line was dead. A client that lives sends a heartbeat every 30 s.",
  },
  malformed: {
    codes: [1007, 1009, 1011],
    when: "A frame is none of this wire: no JSON or too short (1011), a field of bytes that is not UTF-8 (1007), nested too deep or too many values (1009).",
    cure: "`onRefused` says what is wrong with the frame.",
  },
  refused: {
    codes: [1008],
    when: "Of `channels.connect` alone: `connect` has denied, or the version is unknown.",
    cure: "`onRefused` has status and reason.",
  },
  slow: {
    codes: [1013],
    when: "More than `maxBufferedBytes` waits to be written to a client that takes nothing in.",
    cure: "Nothing, if it is rare: the client comes back, and fetches by its join what it missed. Else say less.",
  },
  "too-large": {
    codes: [1009],
    when: "A message is larger than `maxFrameBytes`; or of `channels.connect`, much was said before `connect` had decided.",
    cure: "Send it in parts or by HTTP, or raise the limit.",
  },
  "too-many-connections": {
    codes: [1013],
    when: "The address has `maxConnectionsPerAddress` connections.",
    cure: "Behind a proxy name it in `trustedProxies`; or raise the limit.",
  },
  "too-slow": {
    codes: [1013],
    when: "A message began and did not come whole in time.",
    cure: "Nothing: the line is too slow for its messages.",
  },
  transport: {
    codes: [1011],
    when: "Of `channels.connect` alone: the socket library's `send` or `bufferedAmount` threw.",
    cure: "`onError` has the error.",
  },
} as const satisfies Record<
  CloseReason,
  { readonly codes: readonly number[]; readonly when: string; readonly cure: string }
>;

/** What `onRefused` hears as `code`, and observers in `channel-refused`. */
const refusalCodes = {
  busy: {
    when: "Too much waited for handlers (closed, `busy`), or the address has too many connections.",
    details: "`waiting` and `bytes`, or `limit`",
  },
  connection: {
    when: "A request was not let in. Observers hear its reason (above) as the code.",
    details: "`status`, `reason`, `url` without its query, `why` where there is a cure",
  },
  invalid: {
    when: "`invalid params` or `invalid payload`. Of supabase: a config that was not read whole, a broadcast that is too large.",
    details: "`issues`; of a message the `event`; `unread` fields; the `limit`, by name",
  },
  "join-refused": {
    when: "The join handler said `refused(…)`, or took too long.",
    details: "what the client was told",
  },
  malformed: {
    when: "A frame is none of this wire, an event's name is no text, a ref is `too long`.",
    details: "`what` is wrong with it; never its text",
  },
  rate: {
    when: "`rate_limited`, or the connection was read more slowly for a while. Of supabase: the channel was closed.",
    details: "the `rate` or the `limit`, by name",
  },
  slow: {
    when: "The client took too little in (closed, `slow`).",
    details: "`waiting` bytes",
  },
  "too-many-channels": {
    when: "`too many channels joined`.",
    details: "`limit`",
  },
  "unmatched-event": {
    when: "`unmatched event`.",
    details: "`event`",
  },
  "unmatched-topic": {
    when: "`unmatched topic`, of a join or of a message.",
    details:
      "`event`; `patterns`, the first 20 that are registered, where none takes the topic; `joined: false` where one does, and this client has not joined",
  },
  "write-refused": {
    when: "A client of supabase may not broadcast on its private channel ([supabase.md](supabase.md)).",
    details: "`hook`",
  },
} as const satisfies Record<ChannelRefusal["code"], { readonly when: string; readonly details: string }>;

/**
 * Why a request was not let in. `status`: of the answer to a WebSocket's request, and in the body of a poll's; "" where the
 * transport has no such refusal.
 */
const requestRefusals = {
  busy: {
    websocket: "503",
    longpoll: "of a POST: 429; 503, as the HTTP status",
    when: "A thousand requests wait for `connect`. Of a POST: four of its session are under way, or too much of all is unread. Of supabase's HTTP (429): `maxRequests`, `requestRate`.",
    cure: "Make `connect` faster.",
  },
  connect: {
    websocket:
      "403, or as `deny` says; 500 where it threw, 503 where it took too long, 429 where too many of one address wait",
    longpoll: "403; 500 and 503 as HTTP statuses",
    when: "`connect` denied, threw, or did not answer within `connectTimeout`.",
    cure: "What it threw, and that it took too long, is in `onError`.",
  },
  "cross-site": {
    websocket: "",
    longpoll: "403",
    when: "A browser says that a page of another site asks, and not which.",
    cure: "Name the page's origin in `origins`, and let it ask with CORS.",
  },
  elsewhere: {
    websocket: "",
    longpoll: "500, then 410 and a new session",
    when: "The session lives on another node. Told once.",
    cure: "Sticky sessions ([longpoll.md](longpoll.md#several-nodes)).",
  },
  failed: {
    websocket: "500; 101 where the connection was closed at once",
    longpoll: "500",
    when: "Calla threw.",
    cure: "`onError` has the error; please report it.",
  },
  gone: {
    websocket: "none: there is nobody",
    longpoll: "",
    when: "The client went while `connect` decided.",
    cure: "Nothing, if it is rare; else make `connect` faster.",
  },
  handshake: {
    websocket: "400",
    longpoll: "",
    when: "The request is no WebSocket's handshake; or it is, and the http server's upgrade requests reach nobody.",
    cure: "The body says what is wrong. Write `phoenix(channels, { httpServer })`, or `mount.listen(httpServer)`.",
  },
  host: {
    websocket: "403",
    longpoll: "403",
    when: "The server is not known by the request's Host.",
    cure: "Name it in `hosts`.",
  },
  late: {
    websocket: "503",
    longpoll: "of a POST: 408",
    when: "The request waited 20 s for its answer. Of a POST: its body took longer than 10 s. Of supabase's HTTP (503, 408): a hook or the body took too long.",
    cure: "Make `connect` faster, or lower `connectTimeout`.",
  },
  lines: {
    websocket: "",
    longpoll: "200: what came before was taken",
    when: "A POST had more than 1,000 messages; those beyond are lost.",
    cure: "Update phoenix.js to 1.8.6 or later.",
  },
  malformed: {
    websocket: "",
    longpoll: "400",
    when: "A line of a POST is neither text nor base64. Of supabase's HTTP (415, 422): its type or its body.",
    cure: "Look which client sends it; phoenix.js 1.6 sends bytes so.",
  },
  method: {
    websocket: "400",
    longpoll: "",
    when: "Another method than GET; of supabase's HTTP (405) than POST.",
    cure: "Nothing.",
  },
  origin: {
    websocket: "403",
    longpoll: "403",
    when: "Pages of this origin may not connect, or the function that is to say so threw.",
    cure: "Name it in `origins`, where `why` says; what a function threw is in `onError`.",
  },
  params: {
    websocket: "400",
    longpoll: "403",
    when: "The query has more than 1,000 pairs, or nests more than 32 deep.",
    cure: "Give fewer params; send what is long with the join.",
  },
  stopping: {
    websocket: "503",
    longpoll: "503, as the HTTP status",
    when: "The channels drain, stop, or have stopped.",
    cure: "Nothing: the client comes to another node.",
  },
  subprotocol: {
    websocket: "403",
    longpoll: "",
    when: "The client offers subprotocols, and none that the mount has.",
    cure: "List it in `phoenix(channels, { subprotocols })`.",
  },
  token: {
    websocket: "400",
    longpoll: "",
    when: "The auth token is no base64. Of supabase's HTTP: `authenticate` refused it (401), or `mayWrite` its user (403).",
    cure: "Let phoenix.js write it: `new Socket(url, { authToken })`.",
  },
  "too-large": {
    websocket: "",
    longpoll: "413",
    when: "A POST is over 8 MB, or a frame in it over `maxFrameBytes`.",
    cure: "Send it in parts, or raise the limit.",
  },
  vsn: {
    websocket: "403",
    longpoll: "403",
    when: "The mount speaks no such version of the wire.",
    cure: "phoenix.js says 2.0.0. Look at the mount's `vsns`, or give the client `vsn`.",
  },
} as const satisfies Record<
  RequestRefusal,
  { readonly websocket: string; readonly longpoll: string; readonly when: string; readonly cure: string }
>;

/** What observers hear of channels. */
const channelEvents = {
  "channel-joined": {
    fields: "`socketId`, `topic`",
    when: "A client has joined a topic.",
  },
  "channel-left": {
    fields: "`socketId`, `topic`, `why`",
    when: "It is no longer on it: `normal` (it left, or `stop()`), `shutdown` (disconnected, drained, joined again, rights taken, line gone), `heartbeatTimeout`, `error` (a handler threw).",
  },
  "channel-refused": {
    fields: "`code`, `socketId`, `topic`",
    when: "Something was refused; `socketId` is undefined for a request.",
  },
  "socket-connected": {
    fields: "`socketId`, `transport`",
    when: "A connection was let in.",
  },
  "socket-disconnected": {
    fields: "`socketId`",
    when: "It has ended.",
  },
} as const satisfies Record<ChannelEvent["type"], { readonly fields: string; readonly when: string }>;

/** `status` in the body of an answer to a LongPoll request; the HTTP status is 200, but for 400, 408, 413, 429 and what has no body. */
const pollStatuses = {
  200: {
    to: "GET, POST",
    when: "Messages, or: taken.",
    client: "Polls again.",
  },
  204: {
    to: "GET",
    when: "There was nothing to tell for a window (10 s).",
    client: "Polls again.",
  },
  400: {
    to: "POST",
    when: "A malformed frame. What came before it is taken, and the session lives. Without a body: a method other than GET, POST and OPTIONS.",
    client: "Begins a new session, and joins again.",
  },
  403: {
    to: "GET, POST",
    when: "Refused: `connect` denied, or origin, Host or `vsn` is none of ours. HTTP 200.",
    client: "Tries again, later and later.",
  },
  408: {
    to: "POST",
    when: "The body did not come within 10 s; under `strictPhoenix` also a malformed frame, after a window.",
    client: "Begins a new session, and joins again.",
  },
  410: {
    to: "GET, POST",
    when: "Of a GET: a session has begun, whose token is in the body. Of a POST: its session is over. HTTP 200.",
    client: "Of a GET: is connected. Of a POST: begins a new session, and joins again.",
  },
  413: {
    to: "POST",
    when: "The body, or a frame in it, is too large; nothing of it is taken.",
    client: "Begins a new session, and joins again.",
  },
  429: {
    to: "POST",
    when: "Four POSTs of the session are under way.",
    client: "Begins a new session, and joins again.",
  },
  500: {
    to: "GET, POST",
    when: "With HTTP 200: the session is over (disconnect, drain, slow). As the HTTP status, without a body: Calla or `connect` threw.",
    client: "Begins a new session, and joins again.",
  },
  503: {
    to: "GET, POST",
    when: "The server stops, or has too much to do. Without a body.",
    client: "Tries again, later and later.",
  },
} as const satisfies Record<number, { readonly to: string; readonly when: string; readonly client: string }>;

/** All of them, by the names that the page has for them. */
export const channelCodes = {
  channelReasons,
  closeReasons,
  requestRefusals,
  pollStatuses,
  refusalCodes,
  channelEvents,
} as const;
