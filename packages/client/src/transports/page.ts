// What a relative url is relative to.
import { CallaError, DEV } from "@calla/shared";

/** @throws CallaError `transport`: there is no page, or no url (a variable of the environment may be missing). */
export function fromPage(url: string): URL {
  const { location } = globalThis as { location?: { href: string; origin: string } };
  if (!url || !location)
    throw new CallaError(
      "transport",
      { url },
      DEV && "There is no page to be relative to; give the transport an absolute url.",
    );
  // A worker made of a blob is at no path; of its page the origin is known.
  return new URL(url, location.href.startsWith("blob:") ? location.origin : location.href);
}
