import { ExampleServer } from "./example-server.ts";

export class BoardServer extends ExampleServer {
  constructor() {
    super("board", "BOARDS");
  }
}
