// Who a page is here. On the boards the server says who writes (examples/board/server/authors.ts); this ordinary channel, on the
// same socket, tells a Phoenix page the name that its cards get.
import { nameFor } from "@calla/example-board/server/names";
import { visitor } from "@calla/example-board/server/visitor";
import { accept, defineChannel, deny, joined } from "@calla/server/channels";
import type { PhoenixRequest } from "@calla/server/channels";

export interface User {
  readonly id: string;
}

export function connect({ authToken }: PhoenixRequest) {
  const user: User | null = visitor({ token: authToken });
  return user ? accept(user) : deny(401);
}

export const me = defineChannel("me")
  .socket<User>()
  .join(({ socket }) => joined({}, nameFor(socket.assigns.id)));
