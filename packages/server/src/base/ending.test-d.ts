// [PR9] Who ends something says the code alone where its table knows the rest, and never where it does not.
import type { ConnectionEnd, SubscriptionEnd } from "./ending.ts";

declare function close(end: ConnectionEnd): void;
declare function cut(end: SubscriptionEnd): void;

close("busy");
close({ code: "version", retryable: true });
close({ code: "app:out", retryable: false });
// @ts-expect-error the table says that it is retryable
close({ code: "busy", retryable: false });
// @ts-expect-error nobody has said whether it is
close("version");
// @ts-expect-error nor of the app's own
close("app:out");
// @ts-expect-error no such code
close("bussy");

cut("forbidden");
cut({ code: "missing", retryable: true });
// @ts-expect-error the table says that it is final
cut({ code: "forbidden", retryable: true });
// @ts-expect-error nobody has said whether it is
cut("missing");
