// The events that a browser gives a page about its life: online, offline, visible, hidden. Elsewhere (Node, a worker)
// they may not exist.
import type { Stop } from "./notifier.ts";

/** Calls `wake` when the network or the user is back, `doubt` when the network says that it is gone. */
export function onWakeUp(wake: () => void, doubt: () => void): Stop {
  const page = (globalThis.window ?? globalThis) as unknown as Partial<Window>;
  const { document } = page;
  const visible = (): void => {
    if (document?.visibilityState === "visible") wake();
  };
  page.addEventListener?.("online", wake);
  page.addEventListener?.("offline", doubt);
  document?.addEventListener?.("visibilitychange", visible);
  return () => {
    page.removeEventListener?.("online", wake);
    page.removeEventListener?.("offline", doubt);
    document?.removeEventListener?.("visibilitychange", visible);
  };
}

/** A hidden page may be frozen or ended without another word. */
export function onHide(store: () => void): Stop {
  if (typeof document === "undefined") return () => {};
  const hidden = (): void => {
    if (document.visibilityState === "hidden") store();
  };
  document.addEventListener("visibilitychange", hidden);
  window.addEventListener("pagehide", store);
  return () => {
    document.removeEventListener("visibilitychange", hidden);
    window.removeEventListener("pagehide", store);
  };
}

/** The page ends, and is not kept to be shown again. */
export function onPageEnd(end: () => void): Stop {
  const { window: page } = globalThis as { window?: Partial<Window> };
  const hidden = ({ persisted }: { readonly persisted?: boolean }): void => {
    if (!persisted) end();
  };
  page?.addEventListener?.("pagehide", hidden);
  return () => page?.removeEventListener?.("pagehide", hidden);
}
