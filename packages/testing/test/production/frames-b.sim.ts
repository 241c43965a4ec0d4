import { mutatedFrames } from "./frames.ts";

mutatedFrames(1, 2);
