// One client's channel, as far as presence knows it.
import type { ChannelSocket } from "../definition/channel-types.ts";
import type { PresenceDeclaration } from "../definition/definition.ts";
import type { PresenceHearer } from "./topic-presence.ts";

export interface PresentChannel extends PresenceHearer, ChannelSocket {
  readonly audience: string;
  readonly ended: boolean;
  readonly definition: { readonly pattern: string; readonly presence: PresenceDeclaration | undefined };
}
