import { setTimeout } from 'node:timers/promises';
import { codeOf, messageOf } from '@openfero/core/errors';
import {
  type Context,
  type Attributes as OtelAttributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';
import { VERSION } from '../version.ts';
import type { TracingSettings } from './settings.ts';
import type { Attributes, SpanOptions, Tracing } from './tracing.ts';

/** Characters: alert text has no limit of its own. */
const LONGEST_VALUE = 500;

/**
 * Spans that wait to be sent, and milliseconds until they are: at 500 Jobs a second 1,500 a second. More
 * are dropped while the collector is slow. One takes about 1 KB.
 */
const MOST_WAITING = 8192;
const SEND_AFTER = 1000;

/** Milliseconds for the last spans: a stop must not wait for a collector that is away. */
const STOP_LIMIT = 2000;

/** Records spans and sends them to a collector. Nothing is global: no other module is instrumented. */
export function startOpenTelemetry(
  { url, headers }: TracingSettings,
  service: string,
  log: Logger,
): Tracing {
  const exporter = reporting(new OTLPTraceExporter({ url, headers: { ...headers } }), url, log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': VERSION }),
    spanLimits: { attributeValueLengthLimit: LONGEST_VALUE },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MOST_WAITING,
        scheduledDelayMillis: SEND_AFTER,
      }),
    ],
  });
  const tracer = provider.getTracer('openfero', VERSION);
  return {
    async run(options, work) {
      const span = startSpan(tracer, options);
      try {
        return await work({
          traceparent: traceparentOf(span),
          set: (attributes) => void span.setAttributes(known(attributes)),
        });
      } catch (error) {
        fail(span, messageOf(error));
        throw error;
      } finally {
        span.end();
      }
    },
    record({ start, end, failure, ...options }) {
      const span = startSpan(tracer, options, start);
      if (failure !== undefined) fail(span, failure);
      span.end(end);
      return traceparentOf(span);
    },
    async stop() {
      const limit = new AbortController();
      const sent = provider.shutdown().catch(() => undefined);
      await Promise.race([sent, setTimeout(STOP_LIMIT, undefined, limit)]);
      limit.abort();
    },
  };
}

/** The limit of the SDK is for attributes only. */
function fail(span: Span, message: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: message.slice(0, LONGEST_VALUE) });
}

function startSpan(
  tracer: Tracer,
  { name, kind, parent, attributes = {} }: SpanOptions,
  startTime?: number,
): Span {
  const options = {
    kind: KINDS[kind],
    attributes: known(attributes),
    ...(startTime !== undefined && { startTime }),
  };
  return tracer.startSpan(name, options, contextOf(parent));
}

const KINDS: Readonly<Record<SpanOptions['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
};

/** @param traceparent as readTraceparent checked it */
function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparent?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? '00', 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function known(attributes: Attributes): OtelAttributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ''),
  );
}

/**
 * Logs once that traces cannot be sent, and once that they can again. Only what kind of failure it was: an
 * answer of a collector may repeat the credentials.
 */
function reporting(exporter: OTLPTraceExporter, url: string, log: Logger): OTLPTraceExporter {
  let failing = false;
  const send = exporter.export.bind(exporter);
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      const { error } = result;
      if ((error !== undefined) !== failing) {
        failing = error !== undefined;
        const to = new URL(url).origin;
        if (failing)
          log.warn({ to, code: codeOf(error) }, 'traces cannot be sent, they are dropped');
        else log.info({ to }, 'traces are sent again');
      }
      done(result);
    });
  return exporter;
}
