/** How much each benchmark does. A full run takes an hour, a quick one ten minutes. */
export interface Plan {
  readonly quick: boolean;
  readonly rounds: number;
  /** Jobs per round of the pipeline. */
  readonly jobs: number;
  /** Single alerts, and single creates, per round of the latency. */
  readonly singles: number;
  /** Seconds at a steady rate per round. */
  readonly steady: number;
  /** Alerts per round of the receiver alone, by alerts per notification. */
  readonly received: Readonly<Record<number, number>>;
  /** Remediations per round of the worker against the stub. */
  readonly remediations: number;
  readonly growth: {
    readonly jobs: number;
    readonly waiting: readonly number[];
    readonly operarii: readonly number[];
    readonly present: readonly number[];
  };
  readonly flood: number;
  /** Seconds in all, and seconds at the start that the comparison leaves out. */
  readonly soak: { readonly length: number; readonly warm: number };
  /** Alerts before the measurement: enough for V8 to compile the hot code. */
  readonly warmUp: number;
}

const WAITING = [1000, 100_000];
const OPERARII = [1000, 5000];
const PRESENT = [10_000];

export const FULL: Plan = {
  quick: false,
  rounds: 5,
  jobs: 3000,
  singles: 300,
  steady: 15,
  received: { 1: 10_000, 10: 40_000, 100: 60_000 },
  remediations: 20_000,
  growth: { jobs: 2000, waiting: WAITING, operarii: OPERARII, present: PRESENT },
  flood: 100_000,
  soak: { length: 15 * 60, warm: 3 * 60 },
  warmUp: 2000,
};

export const QUICK: Plan = {
  quick: true,
  rounds: 3,
  jobs: 1000,
  singles: 100,
  steady: 4,
  received: { 1: 3000, 10: 10_000, 100: 15_000 },
  remediations: 6000,
  growth: { jobs: 500, waiting: WAITING, operarii: OPERARII, present: PRESENT },
  flood: 10_000,
  soak: { length: 60, warm: 30 },
  warmUp: 1000,
};
