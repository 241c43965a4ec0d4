// The channels as a transport sees them, held in the hand: it says who is let in, and notes what it is told.
import { DEFAULT_DECODE_LIMITS } from "@calla/shared";
import type { Clock, Random } from "@calla/shared";
import type { Connection } from "../src/base/connection.ts";
import type {
  Admission,
  Admitted,
  ChannelConnection,
  ChannelsHost,
  PhoenixRequest,
} from "../src/channels/engine/host.ts";
import type { ChannelSerialiser } from "../src/channels/wire/serialiser.ts";
import { countingRandom, handClock } from "./wired.ts";

export const accepted = (request: PhoenixRequest, assigns: object = {}, id?: string): Admitted => ({
  accepted: true,
  request,
  assigns,
  id,
});

/** One connection as the channels see it. */
export class StubConnection implements ChannelConnection {
  readonly connection: Connection;
  readonly admitted: Admitted;
  readonly serialiser: ChannelSerialiser;
  readonly heard: (string | Uint8Array)[] = [];
  readonly ends: (readonly [code: number | undefined, why: string | undefined])[] = [];
  bytes = 0;
  drains = 0;

  constructor({ connection, admitted, serialiser }: Parameters<ChannelsHost["connect"]>[0]) {
    this.connection = connection;
    this.admitted = admitted;
    this.serialiser = serialiser;
  }
  incoming(data: string | Uint8Array): void {
    this.heard.push(data);
  }
  received(bytes: number): void {
    this.bytes += bytes;
  }
  disconnect(code?: number, why?: string): void {
    this.ends.push([code, why]);
  }
  drained(): void {
    this.drains++;
  }
  say(text: string): void {
    this.connection.send({ bytes: Buffer.from(text), text: true });
  }
}

export class StubChannels implements ChannelsHost {
  readonly asked: PhoenixRequest[] = [];
  readonly signals: AbortSignal[] = [];
  readonly connections: StubConnection[] = [];
  readonly refusals: Parameters<ChannelsHost["refused"]>[0][] = [];
  readonly errors: unknown[] = [];
  /** What the connect hook comes to. */
  decide: (request: PhoenixRequest) => Admission | Promise<Admission> = (request) => accepted(request);
  connecting: (opened: StubConnection) => void = () => undefined;
  allowsOrigin: ChannelsHost["allowsOrigin"] = () => true;
  hostRefusal: ChannelsHost["hostRefusal"] = () => undefined;
  readonly originsOf = "createChannels";
  strictPhoenix = false;
  readonly rawBinary = false;
  stopping = false;
  readonly clock: Clock;
  readonly random: Random = countingRandom();
  limits = { maxFrameBytes: 100_000 };
  readonly jsonLimits = DEFAULT_DECODE_LIMITS;
  addressOf: ChannelsHost["addressOf"] = ({ remoteAddress }) => remoteAddress;
  refuse: ChannelsHost["refuse"] = () => undefined;
  broadcast: ChannelsHost["broadcast"] = () => undefined;
  readonly secret = new Uint8Array(32).map((_, i) => i * 7);
  readonly node = "node-1";

  constructor({ clock }: { readonly clock: Clock } = handClock()) {
    this.clock = clock;
  }
  admit(
    request: PhoenixRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Admission | Promise<Admission> {
    this.asked.push(request);
    this.signals.push(signal);
    return this.decide(request);
  }
  readonly serialiserFor = (vsn: unknown = "1.0.0"): ChannelSerialiser | undefined =>
    vsn === "1.0.0" || vsn === "2.0.0"
      ? ({ vsn } as Partial<ChannelSerialiser> as ChannelSerialiser)
      : undefined;
  connect(opened: Parameters<ChannelsHost["connect"]>[0]): ChannelConnection {
    const one = new StubConnection(opened);
    this.connecting(one);
    this.connections.push(one);
    return one;
  }
  readonly report = (error: unknown): void => void this.errors.push(error);
  refused(refusal: Parameters<ChannelsHost["refused"]>[0]): void {
    this.refusals.push(refusal);
  }
}
