// The templates by name, and what one does with an app of each. Their files are made of the examples by assemble.mjs.
export const TEMPLATES = {
  react: "a board that several people edit, with React",
  plain: "the same in plain TypeScript",
  postgres: "that on any number of equal servers, over Postgres",
  chat: "rooms to talk in, over Phoenix channels",
} as const;

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as readonly TemplateName[];
export const isTemplate = (name: string): name is TemplateName => Object.hasOwn(TEMPLATES, name);

/** What is typed in a new app's folder, in this order. */
export const stepsOf = (name: TemplateName): readonly string[] => [
  "npm install",
  ...(name === "postgres" ? ["docker compose up --detach --wait"] : []),
  "npm run dev",
];
