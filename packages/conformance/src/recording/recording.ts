// What a recording says: scenarios, each a list of what a client did and what it heard, in the order of the recording. The
// format of the files is in recordings/README.md.

/** JSON, with forms in its strings (`forms.ts`). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Which connection it concerns; default "main". Each HTTP request is a connection of its own. */
interface Of {
  readonly who?: string;
}

/** What the client does. */
export type Deed = Of &
  (
    | {
        readonly do: "upgrade";
        readonly path: string;
        readonly headers?: Readonly<Record<string, string | readonly []>>;
        readonly protocols?: readonly string[];
        /** Bytes in the same packet, in hex. */
        readonly behind?: string;
        /** Of the watched topic's broadcasts only those that speak of this topic: others are other scenarios'. */
        readonly about?: string;
      }
    /** A LongPoll session that keeps polling, shown as if it were a socket. */
    | {
        readonly do: "longpoll";
        readonly path: string;
        readonly headers?: Readonly<Record<string, string>>;
      }
    | { readonly do: "text"; readonly text: string }
    /** Of `raw`, bytes as they are; of the others, a frame's payload. */
    | { readonly do: "binary" | "ping" | "raw"; readonly hex: string }
    | { readonly do: "close"; readonly code?: number }
    /** The connection is cut; a request that waits for its answer is given up. */
    | { readonly do: "vanish" }
    | {
        readonly do: "request";
        readonly method: string;
        readonly path: string;
        readonly headers?: Readonly<Record<string, string>>;
        readonly body?: string;
      }
    | { readonly do: "pause"; readonly ms: number }
  );

/** What the client hears. */
export type Hearing = Of & {
  /** Not before so many milliseconds have gone by since the connection last said something. */
  readonly after?: number;
  /**
   * It comes by another way than what else its connection hears between the same two deeds, so before or behind it. Things that
   * float keep the order among themselves.
   */
  readonly floats?: true;
  /** It may be missing. Only behind the last deed of a scenario, and only of what floats. */
  readonly maybe?: true;
} & (
    | {
        readonly hear: "upgraded";
        readonly headers: Readonly<Record<string, string>>;
      }
    | { readonly hear: "text"; readonly json: Json }
    | { readonly hear: "binary" | "ping" | "pong"; readonly hex: string }
    | { readonly hear: "close"; readonly code: number }
    | { readonly hear: "end" }
    /** No frame of a server. Never of a recording. */
    | { readonly hear: "broken"; readonly what: string }
    /** Of a LongPoll session that keeps polling: neither 200 nor 204. */
    | { readonly hear: "status"; readonly status: number }
    | {
        readonly hear: "answer";
        readonly status: number;
        readonly headers: Readonly<Record<string, string>>;
        /** A body of JSON; `messages` in it, if any, are shown as the frames that they hold. */
        readonly json?: Json;
        readonly body?: string;
      }
  );

/** One line of a scenario. */
export type Step = Deed | Hearing;

/** What a client did on a server, and what it heard of it. */
export interface Scenario {
  /** Its name, which no other has. */
  readonly scenario: string;
  /** What it is about, in a few words. */
  readonly about: string;
  readonly steps: readonly Step[];
}

/** All scenarios of one file. */
export interface Suite {
  readonly suite: string;
  readonly scenarios: readonly Scenario[];
}
