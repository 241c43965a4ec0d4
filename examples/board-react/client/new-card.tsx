// Where a column's new cards are written, and where what the server has not taken comes back.
import { useCallback, useEffect, useRef } from "react";
import type { FormEvent } from "react";
import { columnNames } from "../../board/client/column-names.ts";
import { onReturned, takeReturned } from "../../board/client/returned.ts";
import type { Column } from "../../board/shared/wiring.ts";
import { Icon } from "./icon.tsx";

interface NewCardProps {
  readonly board: string;
  readonly column: Column;
  readonly add: (text: string) => void;
}

export function NewCard({ board, column, add }: NewCardProps) {
  const input = useRef<HTMLInputElement>(null);
  /** Puts what has come back into the field, if it is free. */
  const fill = useCallback(() => {
    if (input.current?.value === "") input.current.value = takeReturned(board, column) ?? "";
  }, [board, column]);
  useEffect(() => {
    fill();
    return onReturned(board, fill);
  }, [board, fill]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? "";
    if (input.current) input.current.value = "";
    if (text !== "") add(text);
    fill();
  };
  return (
    <form className="add" onSubmit={submit}>
      <input
        ref={input}
        aria-label={`New card in ${columnNames[column]}`}
        placeholder="Add a card"
        maxLength={300}
        enterKeyHint="done"
        autoComplete="off"
        onBlur={fill}
      />
      <button aria-label={`Add to ${columnNames[column]}`}>
        <Icon name="plus" />
      </button>
    </form>
  );
}
