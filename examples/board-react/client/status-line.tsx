// How it stands with what one changes, always in sight: one line, of one height, so that nothing moves when it changes.
import { useConnection } from "@calla/react";
import { useSyncExternalStore } from "react";
import { onNetwork, standingOf } from "../../board/client/standing.ts";
import { Icon } from "./icon.tsx";

export function StatusLine() {
  const online = useSyncExternalStore(onNetwork, () => navigator.onLine);
  const { is, trouble } = standingOf(useConnection(), online);
  return (
    <div className="state" data-state={is}>
      <span className="saved">
        <Icon name="check" />
        All changes saved
      </span>
      <span className="saving">
        <Icon name="dots" />
        Saving …
      </span>
      <span id="connection" role="status">
        {trouble.map((text) => (
          <span key={text} className="line">
            {text}
          </span>
        ))}
      </span>
    </div>
  );
}
