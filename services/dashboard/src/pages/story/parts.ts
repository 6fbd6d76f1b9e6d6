import type { DefinitionChange, ModeChange } from '@openfero/core/history/changes';
import type { Entry } from '@openfero/core/history/entry';
import type { Row } from '@openfero/core/history/row';
import type { AskedNow } from '../approvals.ts';
import type { Address } from '../html.ts';
import type { LiveOf } from '../occurrence-row.ts';
import type { Payload } from '../payload.ts';

export interface StoryParts {
  readonly row: Row;
  readonly entries: readonly Entry[];
  readonly modes: readonly ModeChange[];
  /** How an operarius was changed, the latest first. */
  readonly definitionsOf: (operarius: string) => readonly DefinitionChange[];
  /** What BullMQ still has of its remediations, by their ids. */
  readonly payloads: ReadonlyMap<string, Payload>;
  readonly liveOf: LiveOf;
  /** Of the Jobs, if anybody has published it. */
  readonly jobNamespace: string | undefined;
  /** OPENFERO_JOB_URL. */
  readonly jobUrl: string | undefined;
  /** Why nothing can be changed here, undefined where it can. */
  readonly readOnly: string | undefined;
  /** The remediation by which its Job is run again; undefined where the entry of its end is gone. */
  readonly rerun: string | undefined;
  /** Its Job waits for a person. */
  readonly asked: AskedNow | undefined;
  /** Why nobody can answer that here; undefined where they can. */
  readonly whyNoApproval: string | undefined;
  readonly events: Address;
  readonly now: number;
}
