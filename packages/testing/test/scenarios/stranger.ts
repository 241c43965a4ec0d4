// A peer that says what it likes, in one format, without a client.
import type { ServerFrame } from "@calla/shared";
import type { StageNode } from "./stage-node.ts";
import { serialiser } from "./wiring.ts";
import type { FormatName } from "./wiring.ts";

export class Stranger {
  readonly frames: ServerFrame[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #incoming: ReturnType<StageNode["server"]["connect"]>;
  readonly #format;

  constructor(node: StageNode, name: FormatName = "json") {
    const format = serialiser.use(name).formats[0]!;
    this.#format = format;
    this.#incoming = node.server.connect({
      connection: {
        send: ({ bytes, text }) => {
          const packet = format.decode(text ? Buffer.from(bytes).toString("utf8") : bytes);
          for (const frame of (Array.isArray(packet) ? packet : [packet]) as ServerFrame[])
            this.frames.push(frame);
        },
        close: (code, reason) => void (this.closed = { code, reason }),
        bufferedAmount: () => 0,
      },
      request: { url: "/", headers: {}, remoteAddress: undefined },
      format: name,
    });
  }
  /** Any bytes. */
  raw(data: string | Uint8Array): void {
    this.#incoming.incoming(data);
  }
  /** Anything that the format can write, as it is. */
  say(...frames: readonly unknown[]): void {
    this.raw(this.#format.encode(frames.length === 1 ? frames[0] : frames));
  }
  /** The answers of one type. */
  all<T extends ServerFrame["type"]>(type: T): Extract<ServerFrame, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type);
  }
}
