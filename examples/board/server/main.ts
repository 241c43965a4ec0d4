// The server of the boards, with their page.
import { fileURLToPath } from "node:url";
import { serveBoards } from "./serve.ts";
import { staticFiles } from "./static-files.ts";

await serveBoards(staticFiles(fileURLToPath(new URL("../client/", import.meta.url))), 8787);
