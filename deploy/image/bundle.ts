import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { noticesOf } from './notices.ts';

/**
 * Bundles each service into one file, `dist/<service>.mjs`, with its source map and the files that it
 * serves: what the image contains. Development and tests run the sources; nothing else has a build step.
 *
 * A bundle loads no type stripper and no unused modules, which halves the start and saves a third of
 * the memory: see docs/performance.md.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SERVICES = ['receiver', 'worker', 'dashboard'] as const;

/** CommonJS packages need `require`; some find their files from `__dirname`. */
const BANNER = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);
const __dirname = import.meta.dirname, __filename = import.meta.filename;`;

/** @param folder of the result; what it contained is deleted */
async function bundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const metafiles: Metafile[] = [];
  for (const service of SERVICES) metafiles.push(await bundleService(service, folder));
  await copyServedFiles(folder);
  await writeFile(join(folder, 'THIRD_PARTY_NOTICES.txt'), await noticesOf(metafiles, ROOT));
}

async function bundleService(service: string, folder: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`services/${service}/src/server.ts`],
    outfile: join(folder, `${service}.mjs`),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // Errors and log lines name classes and functions.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: BANNER },
    metafile: true,
    plugins: [servedFolders],
    logLevel: 'warning',
    // Bull Board asks for the folder of its page by a require() inside eval, which stays as it is.
    logOverride: { 'direct-eval': 'silent' },
  });
  return metafile;
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
