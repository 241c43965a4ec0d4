// The line between a Phoenix client and its node, in the test's hand: a transport of phoenix.js whose frames pass by themselves
// unless they are held, and which can be cut. It is in the clock's time, as all of a stage.
import { createChannels } from "@calla/server/channels";
import { syncChannel } from "@calla/server/bridge";
import type { StageNode } from "./stage-node.ts";
import type { Scene } from "./scene.ts";

type Direction = "toServer" | "toClient";
/** A frame of version 2. */
type Frame = readonly [
  join: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: object,
];

/** A server's channels, by which its notes can be joined. */
const channelsOf = new WeakMap<object, ReturnType<typeof createChannels>>();
function channelsAt({ server }: StageNode, { slice }: Scene): ReturnType<typeof createChannels> {
  let channels = channelsOf.get(server);
  if (channels === undefined) {
    channels = createChannels({ beside: server }).register(syncChannel(server, slice));
    channelsOf.set(server, channels);
  }
  return channels;
}

export class BridgedLine {
  /** Whose connections come here. */
  node: StageNode;
  reachable = true;
  /** What is sent in this direction waits. */
  held: Direction | undefined;
  /** All that was sent over all connections, arrived or not: event and payload. */
  readonly frames: Record<Direction, (readonly [event: string, payload: object])[]> = {
    toServer: [],
    toClient: [],
  };
  readonly scene: Scene;
  wire: Wire | undefined;
  connections = 0;

  constructor(scene: Scene, node: StageNode) {
    this.scene = scene;
    this.node = node;
  }

  /** For `new Socket(url, { transport })`. */
  get transport(): new (url: string) => Wire {
    const line = this as BridgedLine;
    return class extends Wire {
      constructor(url: string) {
        super(line, url);
      }
    };
  }
  /** What waits passes, and what comes. */
  pass(): void {
    this.held = undefined;
    this.wire?.pump();
  }
  /** The connection breaks: what was under way in it is lost. */
  cut(): void {
    this.held = undefined;
    this.wire?.breaks();
  }
}

class Wire {
  readyState = 0;
  onopen: (event: object) => void = () => undefined;
  onclose: (event: object) => void = () => undefined;
  onerror: (event: object) => void = () => undefined;
  onmessage: (event: { readonly data: string }) => void = () => undefined;
  readonly #line: BridgedLine;
  readonly #lanes: Record<Direction, string[]> = { toServer: [], toClient: [] };
  #server: { incoming(data: string): void; disconnect(): void } | undefined;

  constructor(line: BridgedLine, url: string) {
    this.#line = line;
    line.wire = this;
    line.connections++;
    line.scene.clock.defer(() => (line.reachable ? this.#open(new URL(url)) : this.#ends(1006)));
  }

  #open({ pathname, search }: URL): void {
    const { node, scene } = this.#line;
    this.#server = channelsAt(node, scene).connect({
      request: { url: pathname + search, headers: {}, remoteAddress: undefined },
      send: (data) => this.#put("toClient", data as string),
      close: (code) => scene.clock.defer(() => this.#ends(code)),
    });
    this.readyState = 1;
    this.onopen({});
  }

  send(text: string): void {
    this.#put("toServer", text);
  }
  #put(direction: Direction, text: string): void {
    const [, , topic, event, payload] = JSON.parse(text) as Frame;
    if (topic !== "phoenix") this.#line.frames[direction].push([event, payload]);
    this.#lanes[direction].push(text);
    this.#line.scene.clock.defer(() => this.pump());
  }
  pump(): void {
    for (const direction of ["toServer", "toClient"] as const) {
      if (this.#line.held === direction || this.readyState !== 1) continue;
      for (const text of this.#lanes[direction].splice(0)) {
        if (direction === "toServer") this.#server?.incoming(text);
        else this.onmessage({ data: text });
      }
    }
  }

  /** By the client. */
  close(): void {
    if (this.readyState === 3) return;
    this.pump();
    this.#server?.disconnect();
    this.#line.scene.clock.defer(() => this.#ends(1000));
  }
  breaks(): void {
    this.#server?.disconnect();
    this.#ends(1006);
  }
  #ends(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose({ code, reason: "", wasClean: code === 1000 });
  }
}
