// What a user says of their server: how it is started, and how one knows that it is there.

/** `SIGTERM` asks a server to stop in an orderly way, `SIGKILL` does not ask. */
export type StopSignal = "SIGTERM" | "SIGKILL";

/** A server that is a program of its own: it is started anew for every test, as a process. */
export interface CommandOptions {
  /** The program and its arguments: `["node", "dist/server.js"]`. The server itself: what stands before it (`npm`, `npx`) may keep `SIGTERM` to itself. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Where it runs. Default: where Playwright does. */
  readonly cwd?: string;
  /** Variables beside those of this process. NODE_ENV is "test" unless it is said here: Calla is strict then. */
  readonly env?: Readonly<Record<string, string>>;
  /** The variable from which it reads its port. Default: `PORT`. */
  readonly port?: string;
  /** The variable from which it reads the path of its database's file. Default: none is said. */
  readonly database?: string;
  /**
   * When it is there. `url`, the default: when it prints its URL; it is given port 0 at first, and so gets one that nobody
   * has. `port`: when something listens on the port it was given; `{ path }`: when a GET of that path is answered with 2xx.
   */
  readonly ready?: "url" | "port" | { readonly path: string };
  /** Milliseconds that it may take to be there: 30,000. */
  readonly startTimeout?: number;
  /** Milliseconds that it may take to end: 10,000. After that it is killed, and the test fails. */
  readonly stopTimeout?: number;
  /** Lines on its stderr that are no errors. Default: none. */
  readonly allow?: RegExp;
}

/** What a server that your own function starts is to use. */
export interface ServerPlace {
  /** 0 at first: any that is free. After that the one that it had. */
  readonly port: number;
  /** The path of a file for its database, in a folder that goes with the test. An empty server gets another. */
  readonly database: string;
  /** Something went wrong in it, so the test fails; for `onError` of `createServer`. */
  readonly report: (error: unknown) => void;
}

/** A server that runs. */
export interface RunningServer {
  readonly port: number;
  /** Ends it: its connections too. */
  stop(signal: StopSignal): Promise<void> | void;
}

/** A server that a function of yours starts, in the test's own process or elsewhere. */
export interface StartOptions {
  /** Called for each start. Resolves when it listens. */
  readonly start: (place: ServerPlace) => Promise<RunningServer>;
}

/** How a test's server is started: a command, or a function. */
export type ServerOptions = CommandOptions | StartOptions;
