import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  build: { outDir: "../dist/client", emptyOutDir: true, target: "es2023" },
  // `npx vite examples/phoenix-chat/client` beside a running `npm run chat`.
  server: { proxy: { "^/socket(?=[/?]|$)": { target: "http://localhost:8788", ws: true } } },
});
