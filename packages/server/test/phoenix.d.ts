// What the tests use of phoenix.js, which has no types of its own.
declare module "phoenix" {
  export interface Push {
    receive<Response>(status: string, heard: (response: Response) => void): this;
  }
  export interface Channel {
    joinRef(): string | undefined;
    join(timeout?: number): Push;
    leave(): Push;
    push(event: string, payload: object | ArrayBuffer, timeout?: number): Push;
    on<Payload>(event: string, heard: (payload: Payload) => void): number;
    onError(heard: (reason: unknown) => void): number;
    onClose(heard: () => void): number;
  }
  /** What `Presence` needs of a channel. */
  export interface PresenceChannel {
    on(event: string, heard: (payload: unknown) => void): void;
    joinRef(): string | undefined;
  }
  export class Presence {
    constructor(channel: PresenceChannel | Channel);
    onSync(heard: () => void): void;
    list<T>(by: (key: string, presence: { readonly metas: readonly object[] }) => T): T[];
  }
  /** A transport, by its class. */
  export const LongPoll: unknown;
  export class Socket {
    constructor(
      url: string,
      options: {
        readonly transport: unknown;
        readonly params?: object;
        readonly authToken?: string;
        readonly heartbeatIntervalMs?: number;
        readonly reconnectAfterMs?: (tries: number) => number;
        readonly rejoinAfterMs?: (tries: number) => number;
      },
    );
    connect(): void;
    disconnect(done?: () => void): void;
    channel(topic: string, params?: object): Channel;
    onOpen(heard: () => void): string;
    onClose(heard: (event: { readonly code?: number }) => void): string;
    onError(heard: (error: unknown) => void): string;
    isConnected(): boolean;
  }
}
