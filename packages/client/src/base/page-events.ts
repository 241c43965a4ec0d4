// The events that a browser gives a page about its life: online, offline, visible, hidden, gone. Elsewhere they may not exist,
// nor may who gives them: a worker has no document, React Native a `window` without listeners.
import type { Stop } from "./notifier.ts";

type Page = Partial<Pick<Window, "addEventListener" | "removeEventListener">> & {
  readonly document?: Partial<Document>;
};
const thisPage = (): Page => globalThis.window ?? globalThis;

type Events = Pick<Page, "addEventListener" | "removeEventListener">;

function listen(to: Events | undefined, type: string, heard: (event: Event) => void): Stop {
  to?.addEventListener?.(type, heard);
  return () => to?.removeEventListener?.(type, heard);
}

const all =
  (stops: readonly Stop[]): Stop =>
  () => {
    for (const stop of stops) stop();
  };

/** Calls `wake` when the network or the user is back, `doubt` when the network says that it is gone. */
export function onWakeUp(wake: () => void, doubt: () => void): Stop {
  const page = thisPage();
  const { document } = page;
  return all([
    listen(page, "online", wake),
    listen(page, "offline", doubt),
    listen(document, "visibilitychange", () => {
      if (document?.visibilityState === "visible") wake();
    }),
  ]);
}

/** A hidden page may be frozen or ended without another word. */
export function onHide(store: () => void): Stop {
  const page = thisPage();
  const { document } = page;
  return all([
    listen(page, "pagehide", store),
    listen(document, "visibilitychange", () => {
      if (document?.visibilityState === "hidden") store();
    }),
  ]);
}

/** The page ends, and is not kept to be shown again. */
export const onPageEnd = (end: () => void): Stop =>
  listen(thisPage(), "pagehide", (event) => {
    if (!(event as PageTransitionEvent).persisted) end();
  });
