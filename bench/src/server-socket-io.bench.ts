// socket.io as its documentation has it: rooms and acknowledgements, the WebSocket transport alone; with `postgres` a node of
// several, by its adapter over the database that the load names.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapter } from "@socket.io/postgres-adapter";
import pg from "pg";
import { Server } from "socket.io";
import { ATTACHMENTS, control, DATABASE } from "./control.ts";

const httpServer = createServer();
const io = new Server(httpServer, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
if (process.argv.includes("postgres")) {
  const pool = new pg.Pool({ connectionString: process.env[DATABASE] });
  pool.on("error", (error) => console.error("Postgres error", error));
  io.adapter(createAdapter(pool, { tableName: ATTACHMENTS }));
}
io.on("connection", (socket) => {
  socket.on("join", async (topic: string, joined: () => void) => {
    await socket.join(topic);
    joined();
  });
  socket.on("dispatch", (topic: string, message: unknown, acknowledge: () => void) => {
    io.to(topic).emit("said", message);
    acknowledge();
  });
});
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
