// The faces of the others.
import type { Somebody } from "../../board/client/people.ts";
import { Avatar, Tabs } from "./person.tsx";

/** So many have a face; a number tells of the others. */
const MOST = 6;

/** `unnamed`: how many more there are than could be named. */
export function Faces({
  others,
  unnamed,
}: {
  readonly others: readonly Somebody[];
  readonly unnamed: number;
}) {
  const first = others.length > MOST ? others.slice(0, MOST - 1) : others;
  const rest = others.slice(first.length);
  const more = rest.length + unnamed;
  return (
    <ul className="faces" aria-label="Also here">
      {first.map((user) => (
        <li key={user.key}>
          <Avatar of={user} />
          <Tabs tabs={user.tabs} />
          <span className="unseen">{user.tabs > 1 ? `${user.name}, in ${user.tabs} tabs` : user.name}</span>
        </li>
      ))}
      {more > 0 && (
        <li className="others">
          <span className="avatar" aria-hidden="true" title={rest.map(({ name }) => name).join(", ")}>
            +{more}
          </span>
          <span className="unseen">{more} more</span>
        </li>
      )}
    </ul>
  );
}
