/** How the two frontends are built: the chat element as one script for any site, the console as pages of one app. */
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import type { InlineConfig, Plugin } from 'vite';
import { withoutInstance } from './lexer-only.ts';

const common: InlineConfig = { configFile: false, logLevel: 'warn', publicDir: false };

/** The element's templates and styles are text in its script: their indentation is nobody's, nor what styles say to people. */
const smallTemplates: Plugin = {
  name: 'small-templates',
  transform: (code, id) =>
    /\/chat\/styles\/(?!styles)[^/]+$/.test(id) ? { code: smallStyles(code), map: null } : undefined,
  generateBundle: (_, bundle) => {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk')
        file.code = file.code
          .replaceAll(/>\n[ \t]+</g, '><')
          .replaceAll(/\n[ \t]+/g, ' ')
          .replaceAll('/* @__PURE__ */ ', '');
    }
  },
};

/** Styles alone, as no string in them holds what is taken away. */
function smallStyles(code: string): string {
  const from = code.indexOf('css`');
  const text = code
    .slice(from)
    .replaceAll(/\/\*[^*]*\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};]) ?/g, '$1')
    .replaceAll(/([:,]) /g, '$1')
    .replaceAll(/(?<![\d.])0(?=\.\d)/g, '')
    .replaceAll(';}', '}');
  return code.slice(0, from) + text;
}

const lexerOnly: Plugin = {
  name: 'lexer-only',
  transform: (code, id) => (/\/marked\/lib\/[^/]+$/.test(id) ? { code: withoutInstance(code), map: null } : undefined),
};

export function chatBuild(root: string, outDir: string): InlineConfig {
  return {
    ...common,
    root: join(root, 'workers/frontends/chat'),
    plugins: [lexerOnly, smallTemplates],
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      lib: { entry: 'freehold-chat.ts', formats: ['es'], fileName: () => 'freehold-chat.js' },
      rolldownOptions: {
        // Nothing is done by reading a library's property: what is only read is left out.
        treeshake: { propertyReadSideEffects: false },
        // A library's build keeps its whitespace by itself.
        output: { codeSplitting: false, minify: true },
      },
    },
  };
}

/** The Worker writes the page's nonce in the place of `{{nonce}}`. */
export function consoleBuild(root: string, outDir: string): InlineConfig {
  return {
    ...common,
    root: join(root, 'workers/frontends/console'),
    base: '/console/',
    plugins: [react()],
    html: { cspNonce: '{{nonce}}' },
    build: { outDir, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  };
}
