import { jobSchema, operariusSchema } from '@openfero/core/operarius/json-schema';
import { TestFileSchema } from '@openfero/core/simulation/test-file';
import { type Terminal, YES } from '../terminal.ts';

const SCHEMAS = {
  operarius: operariusSchema,
  job: jobSchema,
  test: () => TestFileSchema,
} as const;

/** Prints a JSON Schema. */
export async function runSchema(what: keyof typeof SCHEMAS, terminal: Terminal): Promise<number> {
  terminal.out(JSON.stringify(SCHEMAS[what](), null, 2));
  return YES;
}
