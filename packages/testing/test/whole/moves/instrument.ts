// Counts how often control changes from one source file to another: what a reader does who follows a call. Every function
// of the files that are looked at says that it begins and ends; files that are not looked at count as where they were
// called from.
import ts from "typescript";

/** The source with `moves.enter` and `moves.leave` in every function. An async function counts as one that returns at once. */
export function instrumented(source: string, file: string, moves: string): string {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const enter = `${moves}?.enter(${JSON.stringify(file)});`;
  const edits: { readonly at: number; readonly text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const body = node.body as ts.ConciseBody;
      const flags = ts.canHaveModifiers(node) ? ts.getCombinedModifierFlags(node as ts.Declaration) : 0;
      const suspends =
        (flags & ts.ModifierFlags.Async) !== 0 || ("asteriskToken" in node && !!node.asteriskToken);
      if (ts.isBlock(body)) {
        const [before, after] = suspends
          ? [`${enter}${moves}?.leave();`, ""]
          : [`${enter}try{`, `}finally{${moves}?.leave()}`];
        edits.push({ at: body.getStart(tree) + 1, text: before }, { at: body.getEnd() - 1, text: after });
      } else if (!suspends) {
        edits.push(
          { at: body.getStart(tree), text: `{${enter}try{return ` },
          { at: body.getEnd(), text: `}finally{${moves}?.leave()}}` },
        );
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  // From the back, so that no edit moves another; of two at one place the inner function's comes first in the text.
  return edits
    .map((edit, order) => ({ ...edit, order }))
    .toSorted((a, b) => b.at - a.at || b.order - a.order)
    .reduce((text, { at, text: piece }) => text.slice(0, at) + piece + text.slice(at), source);
}
