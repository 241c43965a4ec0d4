// A conversation that was had over WebSocket, to be had over LongPoll: the same words, over a session that keeps polling.
import type { Conversation } from "../checks/check.ts";
import type { Step } from "../recording/recording.ts";

/** Under its own name, so that a report tells them apart. */
export function overLongPoll(conversation: Conversation): Conversation {
  const { scenario, about, steps, or } = conversation;
  const turned = (step: Step): Step => turn(step, scenario);
  return {
    scenario: `${scenario} over LongPoll`,
    about,
    steps: steps.map(turned),
    ...(or === undefined ? {} : { or: or.map((order) => order.map(turned)) }),
  };
}

function turn(step: Step, scenario: string): Step {
  if ("do" in step && step.do === "upgrade") {
    const { who, path, headers, protocols, behind } = step;
    if (headers === undefined && protocols === undefined && behind === undefined) {
      const polls = path.replace("/websocket", "/longpoll");
      return { ...(who === undefined ? {} : { who }), do: "longpoll", path: polls };
    }
  }
  const kind = "do" in step ? step.do : step.hear;
  if (["text", "vanish", "pause", "upgraded"].includes(kind)) return step;
  throw new Error(`${scenario} cannot be had over LongPoll: "${kind}" belongs to a WebSocket.`);
}
