// As much of a page as tldraw's client asks for, where there is none: it listens for the page going to sleep and offline,
// and paces what it does by the frames of a screen. Imported for its effect.
import { setMaxListeners } from "node:events";
import { WebSocket } from "ws";

const FRAME = 1_000 / 60;
const began = performance.now();
const frame = (callback: (now: number) => void): NodeJS.Timeout => {
  const now = performance.now() - began;
  return setTimeout(() => callback(performance.now()), FRAME - (now % FRAME));
};
const page = Object.assign(new EventTarget(), { structuredClone });
const document = Object.assign(new EventTarget(), { hidden: false });
// Twenty clients live in this one.
setMaxListeners(0, page, document);
Object.assign(globalThis, {
  WebSocket,
  requestAnimationFrame: frame,
  cancelAnimationFrame: clearTimeout,
  window: page,
  document,
});
// Newer versions of Node have one.
if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: {} });
