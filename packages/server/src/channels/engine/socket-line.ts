// A connection, for what stands on channels and needs more of it than an app is shown.
import type { Connection } from "../../base/connection.ts";
import type { Joining } from "../definition/channel-types.ts";
import type { PhoenixRequest } from "./host.ts";

export interface SocketLine {
  readonly connection: Connection;
  /** undefined: it came before anybody was registered who needs it. */
  readonly request: PhoenixRequest | undefined;
  /** By which close code its peer has ended it, once it has. */
  readonly closedBy: number | undefined;
  /** Called when what was handed over has left. One at a time; nobody unless set. */
  onDrained: (() => void) | undefined;
}

/** What a channel of a house joins with (`ChannelDefinition.house`). */
export type LinedSocket = Joining["socket"] & { readonly line: SocketLine };
