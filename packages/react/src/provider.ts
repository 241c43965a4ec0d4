// Whose topics the components below show: the client, and what the page was rendered with on the server.
import type { Client } from "@calla/client";
import type { Hydration } from "@calla/client/hydration";
import { createContext, createElement, useContext, useMemo } from "react";
import type { ReactNode } from "react";

export interface Scope {
  /** undefined: on the server, or before the app has made one. */
  readonly client: Client | undefined;
  readonly hydration: Hydration | undefined;
}

/** What `CallaProvider` takes. */
export interface CallaProviderProps {
  /** This page's client. Leave it out on the server, where nothing is subscribed. */
  readonly client?: object | undefined;
  /** What `parseHydration` read: the models that the page is rendered with, on the server and while it is hydrated. Default: none. */
  readonly hydration?: Hydration | undefined;
  /** What shows topics. Default: nothing. */
  readonly children?: ReactNode;
}

const ScopeContext = createContext<Scope | undefined>(undefined);

/**
 * Gives a client to the hooks below it.
 *
 * @example
 * createRoot(element).render(<CallaProvider client={client}><Board id="42" /></CallaProvider>);
 */
export function CallaProvider({ client, hydration, children }: CallaProviderProps): ReactNode {
  const scope = useMemo(() => ({ client: client as Client | undefined, hydration }), [client, hydration]);
  return createElement(ScopeContext.Provider, { value: scope }, children);
}

export function useScope(): Scope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error("CallaProvider?");
  return scope;
}

/**
 * The client that `CallaProvider` was given; undefined on the server.
 *
 * @example
 * const client = useClient();
 * const leave = () => client?.forget();
 */
export const useClient = (): Client | undefined => useScope().client;
