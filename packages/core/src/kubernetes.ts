/** JSON as a YAML document or an API server holds it. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Narrows to a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parts of a ConfigMap that an operarius is read from. */
export interface ConfigMap {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  /** Of interest for its keys only. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** A Job ready for the API server: what is ours in it is known, the rest is the author's. */
export interface JobManifest extends JsonObject {
  apiVersion: 'batch/v1';
  kind: 'Job';
  metadata: JobMetadata;
  spec: JsonObject;
}

export interface JobMetadata extends JsonObject {
  name: string;
  namespace: string;
  labels: { [key: string]: string };
  annotations: { [key: string]: string };
}
