// The templates by name. Their files are made of the examples by assemble.mjs.
export const TEMPLATES = {
  react: "a board that several people edit, with React",
  plain: "the same in plain TypeScript",
  chat: "rooms to talk in, over Phoenix channels",
} as const;

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as readonly TemplateName[];
export const isTemplate = (name: string): name is TemplateName => Object.hasOwn(TEMPLATES, name);
