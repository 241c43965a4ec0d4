// The types of a mount: a user is what authenticate gives, assigns are what connect gives.
import { accept, createChannels } from "../channels/index.ts";
import { supabase } from "./index.ts";

const channels = createChannels({ connect: () => accept({ tenant: "a" }) });

supabase(channels, {
  authenticate: async ({ token, assigns }) => (token === assigns.tenant ? { name: token } : undefined),
  mayRead: ({ user, topic }) => user?.name === topic,
  mayWrite: ({ user, assigns }) => user !== undefined && user.name === assigns.tenant,
});

supabase(channels, {
  authenticate: ({ token }) => ({ name: token }),
  // @ts-expect-error reason: a client may have given no token
  mayRead: ({ user }) => user.name === "ada",
});

supabase(channels, {
  authenticate: ({ token }) => ({ name: token }),
  // @ts-expect-error reason: users have no such field
  mayRead: ({ user }) => user?.admin === true,
});

// @ts-expect-error reason: a right is true or false
supabase(channels, { mayRead: () => "yes" });

// @ts-expect-error reason: JSON or bytes
supabase(channels).broadcast("room", "said", new Date());
