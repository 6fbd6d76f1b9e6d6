import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage, type Page, type Screen } from '@openfero/testkit/chromium';
import { definition } from '@openfero/testkit/operarii';
import { directoryCluster } from './cluster.ts';
import { BROKEN, CREATED, createSender, FAILING, operariiChecked, RESOLVED } from './examples.ts';
import { NIGHTLY, writeNight } from './night.ts';
import { createPlay, jobEnded } from './play.ts';
import { startDemo } from './start.ts';

/** `npm run screenshots`: takes the pictures of README and docs, of the demo after a night. */

const FOLDER = fileURLToPath(new URL('../../docs/images', import.meta.url));

const SCREENS: readonly (readonly [name: string, screen: Screen])[] = [
  ['desktop', { width: 1280, height: 720 }],
  ['phone', { width: 390, height: 844, isTouched: true }],
];

const cluster = await directoryCluster();
for (const name of NIGHTLY) {
  await writeFile(join(cluster.operarii, `${name}.yaml`), definition(name));
}
const play = createPlay(cluster);
const ports = { receiver: 0, worker: 0, dashboard: 0 };
const demo = await startDemo(
  cluster,
  ports,
  (service, line) => service === 'worker' && play(line),
  writeNight,
);
try {
  await operariiChecked(demo);
  const send = createSender(demo);
  await jobEnded(demo.worker, await send(CREATED));
  await send(RESOLVED);
  await send(BROKEN);
  await jobEnded(demo.worker, await send(FAILING));
  const page = await openPage();
  try {
    await takeAll(page, demo.dashboardUrl);
  } finally {
    await page.close();
  }
} finally {
  await demo.stop();
  await cluster.clear();
}

async function takeAll(page: Page, url: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await open(page, url);
  const story = String(await page.evaluate(`document.querySelector('tr.bad th a.name').href`));
  const pages = [
    ['occurrences', url],
    ['story', story],
  ] as const;
  for (const [screenName, screen] of SCREENS) {
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulate({ ...screen, scheme });
      for (const [name, address] of pages) {
        await open(page, address);
        const file = join(FOLDER, `${name}-${screenName}-${scheme}.png`);
        await writeFile(file, await page.screenshot());
        console.log(file);
      }
    }
  }
}

async function open(page: Page, address: string): Promise<void> {
  await page.open(address);
  await page.until(
    `location.href === ${JSON.stringify(new URL(address).href)} && document.readyState === 'complete' && document.querySelector('main h1') !== null`,
  );
}
