import { toast } from "./toasts.ts";

/** The link to this page, for somebody else. */
export async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("Link copied. Everybody who has it can edit this board.");
  } catch {
    // Clipboards are for secure pages only.
    prompt("Everybody who has this link can edit this board:", location.href);
  }
}
