import { SETTING_NAMES } from '@openfero/core/setting-names';
import { createLogger } from '@openfero/service/log';
import { warnOfUnknownSettings } from '@openfero/service/settings';
import { logStart } from '@openfero/service/start';
import { runService, stopOn } from '@openfero/service/stop';
import { keepLessCode } from './compiled-code.ts';
import { readSettings, shownSettings } from './settings.ts';
import { startWorker } from './worker.ts';

keepLessCode();
await runService(async () => {
  const settings = readSettings(process.env);
  const log = createLogger(settings.logLevel, 'worker');
  logStart(shownSettings(settings), log);
  warnOfUnknownSettings(process.env, SETTING_NAMES, log);
  const { steps } = await startWorker(settings, log);
  stopOn(log, steps);
});
