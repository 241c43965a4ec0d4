import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  // The packages' sources rather than their builds, so that a change in one shows at once.
  resolve: { conditions: ["calla-source", ...defaultClientConditions] },
  build: { outDir: "../dist/client", emptyOutDir: true, target: "es2023" },
  // `npx vite examples/board/client` beside a running `npm start`.
  server: {
    proxy: {
      "^/ws(?=[/?]|$)": { target: "ws://localhost:8787", ws: true },
      "^/calla(?=[/?]|$)": "http://localhost:8787",
    },
  },
});
