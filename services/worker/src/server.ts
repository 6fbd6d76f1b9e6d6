import { createLogger } from '@openfero/service/log';
import { runService, stopOn } from '@openfero/service/stop';
import { readSettings } from './settings.ts';
import { startWorker } from './worker.ts';

await runService(async () => {
  const settings = readSettings(process.env);
  const log = createLogger(settings.logLevel, 'worker');
  for (const variable of settings.unknown) log.warn({ variable }, 'not known: a typo?');
  const { steps } = await startWorker(settings, log);
  stopOn(log, steps);
});
