// `node bundle.mjs <bundler> <folder> <entry> <mode>`: a page's script. A process of its own, for bundlers go by NODE_ENV.
import { join } from "node:path";
import { argv, env } from "node:process";

const [, , bundler, folder = "", entry = "", wanted] = argv;
const mode = wanted === "production" ? "production" : "development";
env.NODE_ENV = mode;
const to = join(folder, "built", `${bundler}-${mode}.js`);

if (bundler === "vite") {
  const { build } = await import("vite");
  await build({
    root: folder,
    mode,
    configFile: false,
    logLevel: "warn",
    build: {
      emptyOutDir: false,
      outDir: "built",
      modulePreload: false,
      rolldownOptions: {
        input: join(folder, entry),
        output: { format: "iife", entryFileNames: `vite-${mode}.js` },
      },
    },
  });
} else if (bundler === "esbuild") {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    outfile: to,
    bundle: true,
    format: "iife",
    conditions: [mode],
    minify: true,
  });
} else {
  const { default: webpack } = await import("webpack");
  const compiler = webpack({
    context: folder,
    mode,
    entry: `./${entry}`,
    devtool: false,
    // What is left out is left out before; and nothing takes longer.
    optimization: { minimize: false },
    output: { path: join(folder, "built"), filename: `webpack-${mode}.js` },
  });
  compiler?.run((error, stats) => {
    if (!error && !stats?.hasErrors() && !stats?.hasWarnings()) return;
    console.error(error ?? stats?.toString("errors-warnings"));
    process.exitCode = 1;
  });
}
