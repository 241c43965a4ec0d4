// Whose rights have changed, as the app says it and as nodes tell each other.

/** Whose rights are checked again: those of every client that fits all names in it. */
export interface RightsChange<User extends { readonly id: string } = { readonly id: string }> {
  /** The one user whose rights have changed. Default: `user`'s id, else everybody. */
  readonly userId?: string;
  /** The one client whose rights have changed. Default: all of the user. */
  readonly clientId?: string;
  /** The one topic that is asked about, by its id. Default: all. */
  readonly topic?: string;
  /** What the user is now: the same id, or null. Default: as authenticated. */
  readonly user?: User | null;
}

/** Whether it is about this client. */
export const matches = (
  { user, clientId, userId = user?.id }: RightsChange,
  who: { readonly clientId: string; readonly userId: string | null },
): boolean =>
  (clientId === undefined || who.clientId === clientId) && (userId === undefined || who.userId === userId);

const isName = (value: unknown): boolean => value === undefined || typeof value === "string";

/** Whether it says whose: nobody can be signed out without a name. */
export function isRightsChange(value: unknown): value is RightsChange {
  if (typeof value !== "object" || value === null) return false;
  const { userId, clientId, topic, user } = value as { readonly [field: string]: unknown };
  if (!isName(userId) || !isName(clientId) || !isName(topic)) return false;
  if (user === null) return userId !== undefined || clientId !== undefined;
  return user === undefined || typeof (user as { readonly id?: unknown }).id === "string";
}
