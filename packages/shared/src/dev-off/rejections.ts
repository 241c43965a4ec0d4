// Stands for dev/rejections.ts where the condition "production" holds: code and details say it all to a program.
import type * as Rejections from "../dev/rejections.ts";

export const rejectionText: typeof Rejections.rejectionText = (_, code) => code;
