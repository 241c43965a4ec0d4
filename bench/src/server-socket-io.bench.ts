// socket.io as its documentation has it: rooms and acknowledgements, the WebSocket transport alone.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { control } from "./control.ts";

const httpServer = createServer();
const io = new Server(httpServer, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
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
