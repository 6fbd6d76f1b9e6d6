import type { Logger } from '../log.ts';
import type { TracingSettings } from './settings.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

/** @param service name of the process, as traces show it */
export async function startTracing(
  settings: TracingSettings | undefined,
  service: string,
  log: Logger,
): Promise<Tracing> {
  if (settings === undefined) return NO_TRACING;
  const { startOpenTelemetry } = await import('./opentelemetry.ts');
  return startOpenTelemetry(settings, service, log);
}
