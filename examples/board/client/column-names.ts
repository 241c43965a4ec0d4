import type { Column } from "../shared/wiring.ts";

export const columnNames: Record<Column, string> = { todo: "To do", doing: "Doing", done: "Done" };
