// Where a page's script runs, without a browser: what is there, and what is not.
import vm from "node:vm";

const OF_EVERY_PLACE = Object.fromEntries(
  "URL TextEncoder TextDecoder AbortController AbortSignal EventTarget Event crypto setTimeout clearTimeout queueMicrotask performance"
    .split(" ")
    .map((name) => [name, Reflect.get(globalThis, name)]),
);
/** What the globals are in a place. */
const PLACES = {
  page: () =>
    withWindow(
      Object.assign(new EventTarget(), {
        location: new URL("http://app.example/board"),
        document: new EventTarget(),
      }),
    ),
  /** A worker made of a blob: no window, no document, and an address at no path. */
  worker: () =>
    Object.assign(new EventTarget(), {
      location: { href: "blob:http://app.example/0f8a", origin: "http://app.example" },
    }),
  /** React Native: a window without listeners, no document, no address. */
  native: () => withWindow({}),
};
export type Place = keyof typeof PLACES;
function withWindow<G extends object>(global: G): G {
  return Object.assign(global, { window: global });
}

/** What a page's first WebSocket was opened with, and what was said over it first. */
export interface Opened {
  readonly url: string;
  readonly protocols: unknown;
  readonly said: string;
}

/** Runs a script of http://app.example. It rejects with what the script throws or complains of. */
export function open(script: string, place: Place): Promise<Opened> {
  return new Promise((resolve, reject) => {
    class FakeWebSocket extends EventTarget {
      readyState = 0;
      readonly bufferedAmount = 0;
      binaryType = "blob";
      readonly protocol: string;
      readonly #opened: { readonly url: string; readonly protocols: unknown };
      constructor(url: string, protocols: string | readonly string[]) {
        super();
        this.#opened = { url: String(url), protocols: [protocols].flat().join() };
        this.protocol = [protocols].flat()[0] ?? "";
        queueMicrotask(() => {
          this.readyState = 1;
          this.dispatchEvent(new Event("open"));
        });
      }
      send(said: string): void {
        resolve({ ...this.#opened, said });
      }
      close(): void {
        this.readyState = 3;
      }
    }
    const global = PLACES[place]();
    Object.assign(global, {
      self: global,
      WebSocket: FakeWebSocket,
      console: { log: () => undefined, warn: reject, error: reject },
      ...OF_EVERY_PLACE,
    });
    try {
      vm.runInNewContext(script, global, { timeout: 5_000 });
    } catch (error) {
      reject(error);
    }
  });
}
