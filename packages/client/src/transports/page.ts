// What a relative url is relative to.
import { CallaError, DEV } from "@calla/shared";

/** Where a page says that it is, from what it knows best to what it knows at least. */
interface Place {
  readonly location?: { readonly href: string; readonly origin: string };
  readonly document?: { readonly baseURI?: string };
}

/** @throws CallaError `transport`: there is no page, or no url (a variable of the environment may be missing). */
export function fromPage(url: string): URL {
  const { location, document } = globalThis as Place;
  // A worker made of a blob and a frame made of a text (`srcdoc`) are at no path; of their page this much is known.
  const base = [location?.href, document?.baseURI, location?.origin].find((place) =>
    /^[a-z][\w+.-]*:\/\//i.test(place ?? ""),
  );
  if (!url || base === undefined)
    throw new CallaError(
      "transport",
      { url },
      DEV && "There is no page to be relative to; give the transport an absolute url.",
    );
  return new URL(url, base);
}
