import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/phoenix/",
  build: { outDir: "../dist/client", emptyOutDir: true, target: "es2023" },
  // `npx vite examples/phoenix-board/client` beside a running `npm run bridge`.
  server: { proxy: { "/socket": { target: "http://localhost:8789", ws: true } } },
});
