// Stands for guards/issues.ts in a page that is built for production, whose schemas complain to the page itself.
import type * as Guard from "../guards/issues.ts";

export const plainIssues: typeof Guard.plainIssues = (issues) =>
  issues.map(({ message, path = [] }) => ({
    message,
    path: path.map((segment) => (typeof segment === "object" ? segment.key : segment) as string | number),
  }));
