// Owns: bundling the page. The @grafana packages are taken by their `require` condition: their modules for `import`
// name each other in ways that only Grafana's own build resolves.

import { build } from 'esbuild';

await build({
  entryPoints: ['page/index.jsx'],
  bundle: true,
  outdir: process.argv[2],
  format: 'iife',
  jsx: 'automatic',
  minify: true,
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.woff2': 'dataurl', '.svg': 'dataurl', '.ttf': 'empty' },
});
