// Entry point @calla/server/channels: channels that speak the Phoenix wire.
export type {
  Admission,
  Admitted,
  ChannelConnection,
  ChannelsHost,
  NotAdmitted,
  PhoenixRequest,
} from "./engine/host.ts";
