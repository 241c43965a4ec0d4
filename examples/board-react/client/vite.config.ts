import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/react/",
  plugins: [react()],
  // The packages' sources rather than their builds, so that a change in one shows at once.
  resolve: { conditions: ["calla-source", ...defaultClientConditions] },
  build: { outDir: "../dist/client", emptyOutDir: true, target: "es2023" },
  // `npx vite examples/board-react/client` beside a running `npm run react`.
  server: {
    proxy: {
      "^/ws(?=[/?]|$)": { target: "ws://localhost:8790", ws: true },
      "^/calla(?=[/?]|$)": "http://localhost:8790",
      "^/icon[.]svg$": "http://localhost:8790",
    },
  },
});
