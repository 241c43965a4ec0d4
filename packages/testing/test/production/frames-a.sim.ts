import { mutatedFrames } from "./frames.ts";

mutatedFrames(0, 2);
