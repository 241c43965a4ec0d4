// Who comes in by a WebSocket request, and with what: the checks in Phoenix's order (W21). The first that fails answers.
import { briefUrl } from "../../base/brief.ts";
import type { ConnectRequest } from "../../base/connection.ts";
import type { UpgradeState } from "../../transports/websocket/pending-upgrade.ts";
import type { Admission, Admitted, ChannelsHost } from "../engine/host.ts";
import type { RequestRefusal } from "../engine/words.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import type { Mount } from "./mount.ts";
import { paramsOf } from "../wire/params.ts";
import type { PathVariables } from "./place.ts";
import { offersToken, takeToken } from "./subprotocol-token.ts";

export interface HandshakeRequest extends ConnectRequest {
  readonly method: string;
  readonly variables: PathVariables;
}

/** Hands may be shaken. */
export interface Welcome {
  readonly welcome: true;
  readonly admitted: Admitted;
  readonly serialiser: ChannelSerialiser;
  /** The subprotocol that is answered. */
  readonly protocol: string | undefined;
}
export interface Declined {
  readonly welcome: false;
  readonly status: number;
  readonly body: string;
  /** Its content type. Default: plain text. */
  readonly type?: string | undefined;
}
export type HandshakeOutcome = Welcome | Declined;

/** Those that an `authToken` mount takes, before its own. */
const PHOENIX = "phoenix";
const PROTOCOL_HEADER = "sec-websocket-protocol";

export function handshake(
  host: ChannelsHost,
  mount: Mount,
  asked: HandshakeRequest,
  state: UpgradeState,
): HandshakeOutcome | Promise<HandshakeOutcome> {
  const { method, variables, url, headers, remoteAddress } = asked;
  const offered = offeredIn(headers);
  // A token is nothing for records, nor is a query.
  const { token, malformed, others } = mount.authToken ? takeToken(offered) : untouched(offered);
  const shown = others === offered ? headers : withProtocols(headers, others);
  const request = { url, headers: shown, remoteAddress };
  const decline = (status: number, reason: RequestRefusal, why?: string, body = ""): Declined => {
    host.refused({ status, reason, request: { ...request, url: briefUrl(url) }, why });
    const said = mount.refusalIn?.(status, body);
    return { welcome: false, status, body: said?.text ?? body, type: said?.type };
  };
  if (state.closing || host.stopping) return decline(503, "stopping");
  if (state.full) return decline(503, "busy", "A thousand requests wait for the app's connect hook.");
  if (method !== "GET") return decline(400, "method");
  const refusal = mount.refusalOf(request);
  if (refusal?.error !== undefined) host.report(refusal.error);
  if (refusal !== undefined) return decline(refusal.status, refusal.reason, refusal.why);
  // Who may not come in cannot have it said.
  if (!mount.authToken && offersToken(offered)) mount.tokenNotRead();
  if (malformed) return decline(host.strictPhoenix ? 500 : 400, "token");
  const known = mount.authToken ? [PHOENIX, ...(mount.subprotocols ?? [])] : mount.subprotocols;
  const protocol = known?.find((name) => others.includes(name));
  if (known !== undefined && others.length > 0 && protocol === undefined)
    return decline(
      403,
      "subprotocol",
      `A client offered none of the subprotocols ${known.join(", ")}: give it one of them, or phoenix(channels, { subprotocols }) its own.`,
    );
  const params = paramsOf(url, variables);
  if (params === undefined) return decline(400, "params");
  const serialiser = mount.serialiserFor(params["vsn"]);
  if (serialiser === undefined) return decline(403, "vsn");
  const admitted = (admission: Admission): HandshakeOutcome =>
    admission.accepted
      ? { welcome: true, admitted: admission, serialiser, protocol }
      : decline(admission.status, "connect", admission.why, admission.body);
  const admission = host.admit(
    { ...request, params, transport: "websocket", vsn: serialiser.vsn, authToken: token },
    state,
  );
  return admission instanceof Promise ? admission.then(admitted) : admitted(admission);
}

/** What is wrong with the request as a handshake, as a sentence (RFC 6455, section 4.2.1); undefined: nothing is. */
export function handshakeProblem({ headers }: Pick<ConnectRequest, "headers">): string | undefined {
  const header = (name: string): string => String(headers[name] ?? "");
  if (!/(^|,)\s*upgrade\s*(,|$)/i.test(header("connection")))
    return "The Connection header must say Upgrade.";
  if (header("upgrade").toLowerCase() !== "websocket") return "The Upgrade header must say websocket.";
  if (!/^[+/0-9A-Za-z]{22}==$/.test(header("sec-websocket-key")))
    return "The Sec-WebSocket-Key header must be 16 bytes in base64.";
  if (header("sec-websocket-version") !== "13") return "The Sec-WebSocket-Version header must say 13.";
  return undefined;
}

const untouched = (others: readonly string[]) => ({ token: undefined, malformed: false, others });

function offeredIn(headers: ConnectRequest["headers"]): readonly string[] {
  const names = headers[PROTOCOL_HEADER];
  if (typeof names !== "string") return names ?? [];
  return names.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}

/** Most offer none, and their headers are not copied. */
function withProtocols(
  headers: ConnectRequest["headers"],
  names: readonly string[],
): ConnectRequest["headers"] {
  if (headers[PROTOCOL_HEADER] === undefined) return headers;
  const { [PROTOCOL_HEADER]: _, ...others } = headers;
  return names.length === 0 ? others : { ...others, [PROTOCOL_HEADER]: names.join(", ") };
}
