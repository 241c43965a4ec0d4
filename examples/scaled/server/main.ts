// One of several equal nodes of the boards. What differs from examples/board are the two lines "log" and "pubsub".
import { fileURLToPath } from "node:url";
import { createBoards } from "@calla/example-board/server/boards";
import { listen } from "@calla/example-board/server/listen";
import { staticFiles } from "@calla/example-board/server/static-files";
import { pgDriver, postgresLog, postgresPubSub } from "@calla/server/postgres";
import { prometheus } from "@calla/server/prometheus";

/** DIRECT_URL: where to listen, if DATABASE_URL leads to a PgBouncer in transaction mode. */
const { DATABASE_URL: url, DIRECT_URL: listenUrl, TRUSTED_PROXIES: proxies = "" } = process.env;
const driver = pgDriver({ url, listenUrl });
const log = postgresLog({ driver });
const pubsub = postgresPubSub(driver);
// A node that has no database takes no visitors: whoever runs it starts it again.
await log.opened().catch(({ message }: Error) => {
  console.error(`The boards cannot be opened: ${message}`);
  process.exit(1);
});

const metrics = prometheus();
const server = createBoards(log, {
  pubsub,
  observe: metrics.observe,
  trustedProxies: proxies.split(",").filter((address) => address !== ""),
});
metrics.watch(server);

const files = staticFiles(fileURLToPath(new URL("../../../board/dist/client/", import.meta.url)));
listen(server, {
  /** The balancer passes no /metrics on: they are for whoever runs the nodes. */
  async pages(request, response) {
    if (request.url !== "/metrics") return files(request, response);
    response.writeHead(200, { "content-type": metrics.registry.contentType });
    response.end(await metrics.registry.metrics());
  },
  port: 8787,
  async after() {
    await pubsub.close();
    await driver.close?.();
  },
});
