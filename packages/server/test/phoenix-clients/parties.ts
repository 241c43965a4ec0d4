// Who takes part in a test of real clients; each ends with it.
import type { onTestFinished } from "vitest";
import { Line } from "./line.ts";
import { Client } from "./phoenix-js.ts";
import type { ClientOptions, Over, Version } from "./phoenix-js.ts";
import { RoomServer } from "./room-server.ts";
import type { RoomServerOptions } from "./room-server.ts";

type Finished = typeof onTestFinished;

export async function serve(finished: Finished, options?: RoomServerOptions): Promise<RoomServer> {
  const server = await RoomServer.start(options);
  finished(() => server.stop());
  return server;
}

export async function arrive(
  finished: Finished,
  cell: { readonly version: Version; readonly over: Over },
  { url }: { readonly url: string },
  options?: ClientOptions,
): Promise<Client> {
  const client = await Client.at(cell, url, options);
  finished(() => client.socket.disconnect());
  return client;
}

export async function lineTo(finished: Finished, { port }: RoomServer): Promise<Line> {
  const line = await Line.to(port);
  finished(() => line.close());
  return line;
}
