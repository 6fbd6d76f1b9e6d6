import type { Trouble } from '../identity/trouble.ts';
import type { JobManifest } from '../kubernetes.ts';
import { InvalidOperarius } from '../operarius/operarius.ts';
import type { End, HeldReason } from '../outcome.ts';

/** One step, and what it found. */
export interface Step {
  readonly name: StepName;
  readonly result: 'passes' | 'ends' | 'holds';
  /** In one sentence. */
  readonly reason: string;
}

/** In the order in which they are walked. */
type StepName =
  | 'operarius'
  | 'mode'
  | 'own job'
  | 'match'
  | 'after firing'
  | 'age'
  | 'episode'
  | 'stopped'
  | 'repeats'
  | 'manifest'
  | 'limits'
  | 'job';

/** What becomes of a remediation now. */
export type Decision =
  | {
      readonly kind: 'end';
      readonly outcome: End;
      readonly reason: string;
      /** With `created` and `dry-run`. */
      readonly manifest?: JobManifest;
      /** With `created`: it is suspended, and waits for a person. */
      readonly asks?: boolean;
      /** With `created`: whose Job it is from now on. */
      readonly trouble?: Trouble;
      /** The Job that stands for it. */
      readonly job?: string;
    }
  | {
      readonly kind: 'hold';
      readonly reason: HeldReason;
      readonly text: string;
      /** Milliseconds. */
      readonly until: number;
    };

/** The steps so far. After the one that decided, all others do nothing. */
export class Walk {
  readonly #steps: Step[];
  decision: Decision | undefined;

  constructor(steps: Step[]) {
    this.#steps = steps;
  }

  passes(name: StepName, reason: string): void {
    this.#steps.push({ name, result: 'passes', reason });
  }

  decides(name: StepName, decision: Decision): void {
    const ends = decision.kind === 'end';
    const reason = ends ? decision.reason : decision.text;
    this.#steps.push({ name, result: ends ? 'ends' : 'holds', reason });
    this.decision = decision;
  }

  /** Ends as `invalid-operarius` where it throws that. */
  reads<T>(name: StepName, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InvalidOperarius)) throw error;
      this.decides(name, { kind: 'end', outcome: 'invalid-operarius', reason: error.message });
      return undefined;
    }
  }
}
