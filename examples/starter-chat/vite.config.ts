import { defineConfig } from "vite";

export default defineConfig({
  root: `${import.meta.dirname}/client`,
  build: { outDir: "../dist", emptyOutDir: true },
});
