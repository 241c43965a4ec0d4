// Serves the built page: the files of one folder and nothing else.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import { extname, join, normalize, sep } from "node:path";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The file that a request's path names, or undefined for a path that leaves the folder or makes no sense. */
function fileOf(folder: string, url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ""));
    const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
    return path.includes("\0") || !file.startsWith(normalize(folder + sep)) ? undefined : file;
  } catch {
    return undefined;
  }
}

const answer = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
};

/** Only what this server serves runs in the page, and nobody frames it or bends its addresses. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join("; ");

/** `at`: the path below which they are served, with slashes at both ends. */
export function staticFiles(folder: string, at = "/"): RequestListener {
  return async ({ method, url = "/" }, response) => {
    if (method !== "GET" && method !== "HEAD") return answer(response, 405, "Only GET and HEAD.");
    const path = url.startsWith(at) ? url.slice(at.length - 1) : undefined;
    const file = path === undefined ? undefined : fileOf(folder, path);
    const type = file && types[extname(file)];
    const found = file && type ? await stat(file).catch(() => undefined) : undefined;
    if (!file || !type || !found?.isFile()) return answer(response, 404, "There is no such page.");
    response.writeHead(200, {
      "content-type": type,
      "content-length": found.size,
      // Names of assets carry a hash of what is in them.
      "cache-control": path?.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
    });
    createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
  };
}
