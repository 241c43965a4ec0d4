// The one switch between development and production. The condition "production" (of a bundler, or of Node) puts
// ../dev-off in place of this folder (`imports` in package.json), so that nothing of development is in such a build.
// Elsewhere NODE_ENV decides while the program runs. Nothing else in Calla asks which of the two it is.

/**
 * Whether this build holds what only development needs. A constant, so that bundlers drop what stands behind it: a
 * sentence is written `DEV && "…"`. What is more than a text goes into a module of this folder.
 */
export const DEV: boolean = true;

declare const process: { readonly env: { readonly NODE_ENV?: string } };

/**
 * Whether it runs in development. Read when it is asked, for an app may load its environment after Calla.
 *
 * @example
 * if (isDevelopment()) console.warn("This server runs in development.");
 */
export const isDevelopment = (): boolean => {
  // Written so that a bundler can replace the expression, and so that a page without bundler or `process` still runs.
  try {
    return process.env.NODE_ENV !== "production";
  } catch {
    return true;
  }
};

/**
 * What the option `strict` comes to: itself if it is given, otherwise strict in development.
 *
 * @example
 * strictness(undefined); // as isDevelopment()
 * strictness(false); // false
 */
export const strictness = (option: boolean | undefined): boolean => option ?? isDevelopment();
