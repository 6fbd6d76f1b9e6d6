/** What may happen on its own. Later is stricter. */
export const MODES = ['run', 'approve', 'dry-run', 'off'] as const;
export type Mode = (typeof MODES)[number];
