import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Packages that many commands never use, and the folder that has them. Those of one pack share objects. */
interface Pack {
  readonly packages: readonly string[];
  readonly usedBy: string;
}

/** Three quarters of all. A pack is compiled when a module that imports it is evaluated. */
const PACKS: readonly Pack[] = [
  { packages: ['bullmq', 'ioredis'], usedBy: 'packages/service' },
  { packages: ['undici'], usedBy: 'packages/cluster' },
  { packages: ['typebox', 'typebox/compile'], usedBy: 'packages/core' },
  { packages: ['pino'], usedBy: 'packages/service' },
];

const CLI = 'packages/cli/src';
const PACKED = 'packed';

/** Where it is built, and where what is in it is noted for the notices. */
interface Building {
  readonly root: string;
  readonly metafiles: Metafile[];
  /** For all that is packed. */
  readonly plugins: readonly Plugin[];
}

/**
 * Keeps what a start does not need in the bundle of the command line as compressed text, which is compiled
 * when it is first used: the commands, and the large packages that few of them use. Otherwise Node.js would
 * parse all of it at each start, and load each of its own modules that any part imports:
 * docs/decisions/0017-what-a-start-parses.md.
 */
export function packedCommands(building: Building): Plugin {
  return {
    name: 'packed commands',
    setup(builder) {
      const filter = /^\.\.\/[a-z]+\/run\.ts$/;
      builder.onResolve({ filter }, ({ path, kind }) =>
        kind === 'dynamic-import' ? { path, namespace: PACKED } : undefined,
      );
      builder.onLoad({ filter, namespace: PACKED }, ({ path }) => member('pack:commands', path));
      const packs = { filter: /^pack:commands$/ };
      builder.onResolve(packs, ({ path }) => ({ path, namespace: PACKED }));
      builder.onLoad({ ...packs, namespace: PACKED }, async () => ({
        contents: await loaderOf(building),
      }));
    },
  };
}

/** In the commands, these packages stay `require('pack:0')`, by the place of their pack. */
const packedPackages: Plugin = {
  name: 'packed packages',
  setup(builder) {
    for (const [i, { packages }] of PACKS.entries()) {
      const filter = new RegExp(`^(?:${packages.join('|')})$`);
      builder.onResolve({ filter }, ({ path }) => ({ path, namespace: PACKED }));
      builder.onLoad({ filter, namespace: PACKED }, ({ path }) => member(`pack:${i}`, path));
    }
    builder.onResolve({ filter: /^pack:/ }, ({ path }) => ({ path, external: true }));
  },
};

const member = (pack: string, name: string): { contents: string } => ({
  contents: `module.exports = require('${pack}')['${name}'];`,
});

/** The module that compiles the commands, and gives them the packages when they ask. */
async function loaderOf(building: Building): Promise<string> {
  const texts = await Promise.all(PACKS.map((pack) => textOfPack(pack, building)));
  return `const { brotliDecompressSync } = require('node:zlib');
const { compileFunction } = require('node:vm');
const compile = (text, require) => {
  const source = brotliDecompressSync(Buffer.from(text, 'base64')).toString();
  const module = { exports: {} };
  const names = ['exports', 'require', 'module', '__filename', '__dirname'];
  compileFunction(source, names)(module.exports, require, module, __filename, __dirname);
  return module.exports;
};
const packs = ${JSON.stringify(Object.fromEntries(texts.map((text, i) => [`pack:${i}`, text])))};
const compiled = {};
const requirePacked = (id) =>
  id in packs ? (compiled[id] ??= compile(packs[id], require)) : require(id);
module.exports = compile('${await commands(building)}', requirePacked);`;
}

function textOfPack({ packages, usedBy }: Pack, building: Building): Promise<string> {
  const exports = packages.map((name) => `exports['${name}'] = require('${name}');`);
  const entry = { contents: exports.join('\n'), folder: usedBy };
  return textOf(entry, building, building.plugins);
}

/** Each command is evaluated when it is asked for. */
async function commands(building: Building): Promise<string> {
  const files = await readdir(join(building.root, CLI), { recursive: true });
  const paths = files.filter((path) => path.endsWith('/run.ts'));
  const getters = paths.map((path) => `get '../${path}'() { return require('./${path}'); }`);
  const contents = `module.exports = { ${getters.join(', ')} };`;
  return textOf({ contents, folder: CLI }, building, [packedPackages, ...building.plugins]);
}

interface Entry {
  readonly contents: string;
  /** That of the packages it requires, from the root. */
  readonly folder: string;
}

/** A CommonJS bundle, compressed, as base64. */
async function textOf(
  { contents, folder }: Entry,
  { root, metafiles }: Building,
  plugins: readonly Plugin[],
): Promise<string> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: join(root, folder) },
    absWorkingDir: root,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    plugins: [...plugins],
    logLevel: 'warning',
  });
  metafiles.push(metafile);
  return brotliCompressSync(outputFiles[0]?.contents ?? '').toString('base64');
}
