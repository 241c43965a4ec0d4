// A balancer for machines without nginx: requests and upgrades to the nodes in turn, past those that do not answer.
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

/**
 * @param {number} port
 * @returns {Promise<import("node:net").Socket | undefined>} undefined where nobody listens
 */
const reach = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve(socket));
  });

const HIDDEN = new Set(["/metrics", "/healthz", "/readyz"]);

/**
 * @param {readonly number[]} ports of the nodes
 * @param {number} port 0: any that is free
 */
export const startProxy = async (ports, port) => {
  let turn = 0;
  const nextNode = async () => {
    for (let tries = 0; tries < ports.length; tries++) {
      const socket = await reach(ports[turn++ % ports.length] ?? 0);
      if (socket) return socket.setNoDelay(true);
    }
    return undefined;
  };

  const server = createServer(async (request, response) => {
    if (HIDDEN.has(request.url?.split("?", 1)[0] ?? "")) return void response.writeHead(404).end();
    const socket = await nextNode();
    if (!socket) return void response.writeHead(502).end("No node answers.");
    const { method, url, headers } = request;
    const passed = ask({
      createConnection: () => socket,
      method,
      path: url,
      headers: { ...headers, "x-forwarded-for": request.socket.remoteAddress },
    });
    passed.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  server.on("upgrade", async (request, visitor, head) => {
    visitor.on("error", () => visitor.destroy());
    const node = await nextNode();
    if (!node) return void visitor.end("HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n");
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      if (request.rawHeaders[at]?.toLowerCase() !== "x-forwarded-for")
        lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    lines.push(`x-forwarded-for: ${request.socket.remoteAddress}`, "", "");
    node.on("error", () => visitor.destroy());
    node.on("close", () => visitor.destroy());
    visitor.on("close", () => node.destroy());
    node.write(lines.join("\r\n"), "latin1");
    node.write(head);
    node.pipe(visitor).pipe(node);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve(undefined));
  });
  const address = server.address();
  return {
    name: "a small balancer in Node (there is no nginx)",
    port: typeof address === "object" && address ? address.port : port,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
};
