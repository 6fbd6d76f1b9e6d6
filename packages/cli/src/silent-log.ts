import { createLogger, type Logger } from '@openfero/service/log';

/** Of what a command uses: it says itself what is wrong. */
export const silentLog = (): Logger => createLogger('silent', 'openfero');
