// The server of examples/board with a second page, at `/react/`: the same boards, shown by React.
import { fileURLToPath } from "node:url";
import { serveBoards } from "@calla/example-board/server/serve";
import { staticFiles } from "@calla/example-board/server/static-files";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const plain = staticFiles(here("../../../board/dist/client/"));
const react = staticFiles(here("../client/"), "/react/");

await serveBoards(
  (request, response) => {
    (request.url?.startsWith("/react/") === true ? react : plain)(request, response);
  },
  8790,
  "/react/",
);
