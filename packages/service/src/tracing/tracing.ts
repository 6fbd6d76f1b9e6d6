export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a span is about, and what it belongs to. */
export interface SpanOptions {
  readonly name: string;
  readonly kind: 'server' | 'producer' | 'consumer' | 'client' | 'internal';
  /** A traceparent; undefined begins a trace. */
  readonly parent: string | undefined;
  readonly attributes?: Attributes;
}

/** A span that has not ended. */
export interface OpenSpan {
  /** The parent of what follows from it; undefined where nothing is traced. */
  readonly traceparent: string | undefined;
  set(attributes: Attributes): void;
}

/** A span that is over. */
export interface EndedSpan extends SpanOptions {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Why it failed; undefined where it did not. */
  readonly failure?: string | undefined;
}

/** Records what happens to an alert over all processes. Never throws, and delays nothing. */
export interface Tracing {
  /** Runs work in a span that ends with it. An error of the work fails the span too. */
  run<T>(options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** @returns the parent of what follows from it; undefined where nothing is traced */
  record(span: EndedSpan): string | undefined;
  /** Sends what was recorded, if that does not take long. */
  stop(): Promise<void>;
}

const NO_SPAN: OpenSpan = { traceparent: undefined, set: () => {} };

/** Off: nothing is recorded, and no module of OpenTelemetry is loaded. */
export const NO_TRACING: Tracing = {
  run: (_options, work) => work(NO_SPAN),
  record: () => undefined,
  stop: async () => {},
};
