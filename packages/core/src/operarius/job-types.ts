import { JOB_FIELDS } from './job-fields.ts';

/** What a field holds. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly name: 'string' | 'integer' | 'number' | 'boolean' }
  | { readonly kind: 'list' | 'map'; readonly of: FieldType }
  | { readonly kind: 'object'; readonly name: string }
  | { readonly kind: 'any' };

export interface Field {
  readonly type: FieldType;
  readonly required: boolean;
}

/** By name. */
export type Fields = ReadonlyMap<string, Field>;

let types: ReadonlyMap<string, Fields> | undefined;

/** All types, by name: `Job`, `Container`. Read once, when they are first needed. */
export function jobTypes(): ReadonlyMap<string, Fields> {
  types ??= new Map(JOB_FIELDS.trim().split('\n').map(readLine));
  return types;
}

function readLine(line: string): [string, Fields] {
  const [name = '', ...fields] = line.split(' ');
  return [name, new Map(fields.map(readField))];
}

function readField(text: string): [string, Field] {
  const [, name = '', mark, type = ''] = /^([\w-]+)(!?)=(.*)$/.exec(text) ?? [];
  return [name, { type: readType(type), required: mark === '!' }];
}

function readType(text: string): FieldType {
  if (text.startsWith('[]')) return { kind: 'list', of: readType(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', of: readType(text.slice(2)) };
  switch (text) {
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return { kind: 'scalar', name: text };
    case 'any':
      return { kind: 'any' };
    default:
      return { kind: 'object', name: text };
  }
}
