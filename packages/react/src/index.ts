// The public list of @calla/react. With Suspense: @calla/react/suspense.
"use client";
export { CallaProvider, useClient } from "./provider.ts";
export type { CallaProviderProps } from "./provider.ts";
export { useLocal, useSession, useTopic } from "./topics.ts";
export { useConnection, useDispatch, usePending, usePush, useRejection, useWrite } from "./writes.ts";
export type { DispatchOf, WriteView } from "./writes.ts";
export { usePresence, useTrack } from "./presence.ts";
export type { Listing } from "./presence.ts";
export type { HandleOf, ParamsGiven, StateOf } from "./slice-types.ts";
export type { Equal } from "./source.ts";
