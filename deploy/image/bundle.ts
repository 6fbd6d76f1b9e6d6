import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { noticesOf } from './notices.ts';
import { packedCommands } from './packed.ts';

/**
 * Bundles each service into one file, `dist/<service>.mjs`, with its source map and the files that it
 * serves, and the command line into `dist/openfero.mjs`: what the image contains. Development and tests run the sources; nothing else has a build step.
 *
 * A bundle loads no type stripper and no unused modules, which halves the start and saves a third of
 * the memory: see docs/performance.md.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A bundle, by its name, and how it is made. */
const BUNDLES = [
  { name: 'receiver', entry: 'services/receiver/src/server.ts', target: 'node24' },
  { name: 'worker', entry: 'services/worker/src/server.ts', target: 'node24' },
  { name: 'dashboard', entry: 'services/dashboard/src/server.ts', target: 'node24' },
  { name: 'openfero', entry: 'packages/cli/src/main.ts', target: 'node20' },
] as const;
type Bundle = (typeof BUNDLES)[number];

/** CommonJS packages need `require`; some find their files from `__dirname`. */
const BANNER = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);
const __dirname = import.meta.dirname, __filename = import.meta.filename;`;

/** What Node.js 20 does not have: people run the command line on the Node.js that they have. */
const NODE_20 = `Map.groupBy ??= (items, keyOf) => {
  const groups = new Map();
  for (const item of items) { const key = keyOf(item); groups.set(key, [...(groups.get(key) ?? []), item]); }
  return groups;
};
Promise.withResolvers ??= () => {
  const own = {}; own.promise = new Promise((resolve, reject) => Object.assign(own, { resolve, reject })); return own;
};`;

/** @param folder of the result; what it contained is deleted */
async function bundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const metafiles: Metafile[] = [];
  for (const each of BUNDLES) await bundleOne(each, folder, metafiles);
  // It is a program: kubectl runs one that is called kubectl-openfero.
  await chmod(join(folder, 'openfero.mjs'), 0o755);
  await copyServedFiles(folder);
  await writeFile(join(folder, 'THIRD_PARTY_NOTICES.txt'), await noticesOf(metafiles, ROOT));
}

/** @param metafiles what is in the bundles, to which this one is added */
async function bundleOne(
  { name, entry, target }: Bundle,
  folder: string,
  metafiles: Metafile[],
): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: join(folder, `${name}.mjs`),
    bundle: true,
    platform: 'node',
    target,
    format: 'esm',
    minify: true,
    // Errors and log lines name classes and functions.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: target === 'node20' ? `${BANNER}\n${NODE_20}` : BANNER },
    metafile: true,
    plugins: pluginsOf(name, metafiles),
    logLevel: 'warning',
    // Bull Board asks for the folder of its page by a require() inside eval, which stays as it is.
    logOverride: { 'direct-eval': 'silent' },
  });
  metafiles.push(metafile);
}

function pluginsOf(name: Bundle['name'], metafiles: Metafile[]): Plugin[] {
  return name === 'openfero'
    ? [packedCommands({ root: ROOT, metafiles, plugins: [undiciPool, lessOfBullmq] })]
    : [servedFolders, undiciPool, lessOfBullmq, ascii, requiredBuiltins];
}

/** swagger-ui finds its static files beside its sources, in two ways. */
const servedFolders: Plugin = {
  name: 'served folders',
  setup(builder) {
    builder.onLoad(
      { filter: /@fastify[\\/]swagger-ui[\\/](lib[\\/]routes|index)\.js$/ },
      async ({ path }) => {
        const contents = await readFile(path, 'utf8');
        const folder = path.endsWith('routes.js') ? 'swagger-ui/lib' : 'swagger-ui';
        return {
          contents: contents.replaceAll('__dirname', `(__dirname + '/${folder}')`),
          loader: 'js',
        };
      },
    );
  },
};

/**
 * Of undici we use its pool only. Its entry loads fetch, WebSocket, caches and mocks as well, which cost a
 * worker 10 MB. An import of anything else fails the build. That entry also gives the pool its methods, of
 * which a watch uses `request`.
 */
const undiciPool: Plugin = {
  name: 'pool of undici',
  setup(builder) {
    builder.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: resolveDir,
      namespace: 'undici',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'undici' }, ({ path }) => ({
      contents: `import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import request from 'undici/lib/api/api-request.js';
export { default as Pool } from 'undici/lib/dispatcher/pool.js';
Dispatcher.prototype.request = request;`,
      resolveDir: path,
    }));
  },
};

/**
 * Leaves out what BullMQ loads and we never use: queues in PostgreSQL, to which only its entry refers, and the
 * parser of schedules. 0.5 MB of text.
 */
const lessOfBullmq: Plugin = {
  name: 'less of BullMQ',
  setup(builder) {
    const filter =
      /[\\/]bullmq[\\/]dist[\\/]cjs[\\/]postgres[\\/]index\.js$|[\\/]cron-parser[\\/]dist[\\/].*\.js$/;
    builder.onLoad({ filter }, () => ({ contents: '' }));
  },
};

/**
 * Escapes what is not ASCII in our sources: esbuild does it in strings only, and with one such character in
 * a template V8 holds the text of the whole bundle in two bytes per character, 3 MB more for a dashboard.
 */
const ascii: Plugin = {
  name: 'ASCII only',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/[\u0080-\uffff]/g, escaped),
      loader: 'ts',
    }));
  },
};

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Requires the modules of Node.js. An import of one reads all that it exports, which loads what Node.js keeps for
 * its first use: its own undici with node:http, Web Crypto with node:crypto. 2 to 4 MB of each service.
 */
const requiredBuiltins: Plugin = {
  name: 'modules of Node.js required',
  setup(builder) {
    const filter = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`);
    builder.onResolve({ filter }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    );
    builder.onLoad({ filter, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
  },
};

/** Copies the files that are served and not executed: swagger-ui's page, Bull Board's and ours. */
async function copyServedFiles(folder: string): Promise<void> {
  const ofReceiver = createRequire(join(ROOT, 'services/receiver/package.json'));
  const swagger = dirname(ofReceiver.resolve('@fastify/swagger-ui'));
  await cp(join(swagger, 'static'), join(folder, 'swagger-ui/static'), { recursive: true });
  const ofDashboard = createRequire(join(ROOT, 'services/dashboard/package.json'));
  const board = dirname(ofDashboard.resolve('@bull-board/ui/package.json'));
  const copy = join(folder, 'node_modules/@bull-board/ui');
  await mkdir(copy, { recursive: true });
  await cp(join(board, 'package.json'), join(copy, 'package.json'));
  await cp(join(board, 'dist'), join(copy, 'dist'), { recursive: true, dereference: true });
  const assets = join(ROOT, 'services/dashboard/src/pages/assets');
  await cp(assets, join(folder, 'assets'), { recursive: true });
}

await bundle(resolve(ROOT, process.argv[2] ?? 'dist'));
