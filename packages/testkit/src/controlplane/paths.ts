import { at } from './request.ts';

export const jobsPath = (namespace: string): string =>
  `/apis/batch/v1/namespaces/${namespace}/jobs`;

export const configMapsPath = (namespace: string): string =>
  `/api/v1/namespaces/${namespace}/configmaps`;

/** The objects in the body of a list; none for any other body. */
export function itemsOf(body: unknown): readonly unknown[] {
  const items = at(body, 'items');
  return Array.isArray(items) ? items : [];
}
