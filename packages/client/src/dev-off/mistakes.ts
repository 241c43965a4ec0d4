// Stands for dev/mistakes.ts where the condition "production" holds: `status.reason` has the reason all the same.
// Bundlers leave out the calls of empty functions, esbuild only of declared ones.
import { CallaError } from "@calla/shared";
import type * as Mistakes from "../dev/mistakes.ts";

export function checkUrl(_url: unknown, _scheme: Mistakes.Scheme): void {}
export function checkWiring(_wiring: object): void {}
export function checkReconnect(_reconnect: object): void {}
export function reached(_transport: object): void {}
export function unreached(_transport: object, _format: unknown, _url: string, _event: unknown): void {}
/** Nodes that do not know each other's formats are the one mistake that may come up only where it is deployed. */
export const unanswered: typeof Mistakes.unanswered = (_transport, _format, url, reason, status) =>
  status === 415 ? new CallaError("transport", { url, reason, status }) : undefined;
export function fellBack(_transport: object, _cause: unknown): void {}
export function dismissal(_code: string): undefined {}
export function absence(topic: object, _slice: string): object {
  return topic;
}
export function audible<Report>(report: Report, _onError: unknown): Report {
  return report;
}
