// Hocuspocus' own server, as its documentation begins: documents in memory, no extension.
import { Server } from "@hocuspocus/server";
import type { Kept } from "./clients/real-client.ts";
import { document, fill, itemIn } from "./clients/y-items.ts";
import { control } from "./control.ts";
import { ITEMS } from "./fixtures.ts";

const kept: Kept = process.argv.includes("list") ? "list" : "record";
const server = new Server({
  quiet: true,
  address: "127.0.0.1",
  port: 0,
  onLoadDocument: ({ document: doc }) => {
    fill(doc, kept);
    return Promise.resolve(doc);
  },
});
await server.listen();
control(server.address.port, undefined, () => {
  const item = itemIn(server.hocuspocus.documents.get(document)!, kept);
  return Array.from({ length: ITEMS }, (_, at) => [
    item(at)?.get("x") as number,
    item(at)?.get("y") as number,
  ]);
});
