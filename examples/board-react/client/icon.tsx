import { icons } from "../../board/client/icons.ts";

export const Icon = ({ name }: { readonly name: keyof typeof icons }) => (
  <svg viewBox="0 0 24 24" className={`icon icon-${name}`} aria-hidden="true">
    <path d={icons[name]} />
  </svg>
);
