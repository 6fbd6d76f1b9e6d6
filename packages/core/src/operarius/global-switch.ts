import { type ConfigMap, isObject } from '../kubernetes.ts';
import { type Mode, meantBy, quoted, strictest } from './policy.ts';
import { meantPolicy, POLICY_ANNOTATIONS, spelled, wantsOff } from './policy-names.ts';
import { MODE } from './policy-syntax.ts';

/** The ConfigMap whose annotation `openfero.io/mode` switches all operarii of its namespace. */
export const GLOBAL_CONFIGMAP = 'openfero';

/** What the ConfigMap {@link GLOBAL_CONFIGMAP} allows, and which words of it say so. */
export interface GlobalSwitch {
  readonly mode: Mode;
  readonly reason: string;
  /** Whether it is off since it cannot be read. */
  readonly mistaken?: true;
}

/**
 * Reads the switch. Who reached for it wants less to happen, so whatever cannot be read is off: a value
 * that does not parse (also a bare `off` in a file, which is a boolean), and an annotation, a label or a
 * data key that may have been meant as the switch.
 *
 * @param configMap undefined where there is none
 */
export function readGlobalSwitch(configMap: ConfigMap | undefined): GlobalSwitch {
  if (configMap === undefined) return { mode: 'run', reason: `there is no ConfigMap openfero` };
  const mistaken = mistakes(configMap)[0];
  if (mistaken !== undefined) return { mode: 'off', reason: mistaken, mistaken: true };
  const value: unknown = configMap.metadata.annotations?.[POLICY_ANNOTATIONS.mode];
  const name = `annotation ${POLICY_ANNOTATIONS.mode}`;
  if (value === undefined) return { mode: 'run', reason: `it has no ${name}` };
  const mode = typeof value === 'string' ? MODE.parse(value) : undefined;
  const reason = `its ${name} is ${quoted(value)}`;
  return mode === undefined
    ? {
        mode: 'off',
        reason: `${reason}, which is not ${MODE.allowed}, and so counts as off`,
        mistaken: true,
      }
    : { mode, reason };
}

/** What holds for all operarii. */
export interface Position {
  /** The stricter of OPENFERO_MODE and the switch. */
  readonly mode: Mode;
  /** The switch alone, and why. */
  readonly switched: Mode;
  readonly reason: string;
  /**
   * For people: where the mode comes from. It begins with `ConfigMap openfero` only where that alone could
   * loosen it.
   */
  readonly source: string;
}

/** @param setting OPENFERO_MODE */
export function readPosition(setting: Mode, configMap: ConfigMap | undefined): Position {
  const { mode: switched, reason } = readGlobalSwitch(configMap);
  const mode = strictest(setting, switched);
  const ofSwitch = configMap === undefined ? reason : `ConfigMap ${GLOBAL_CONFIGMAP}: ${reason}`;
  const isOfSwitch = setting === 'run' || setting !== mode;
  const source = isOfSwitch ? ofSwitch : `OPENFERO_MODE is ${setting}; ${ofSwitch}`;
  return { mode, switched, reason, source };
}

/** What is written, but not as the annotation that is read. */
function mistakes({ metadata, data, binaryData }: ConfigMap): string[] {
  return [
    ...entries(metadata.annotations)
      .filter(([key]) => key !== POLICY_ANNOTATIONS.mode && isMeant(key, true))
      .map(
        ([key, value]) =>
          `its annotation ${key} is unknown, and so counts as off: ${meantBy(key, value)}`,
      ),
    ...entries(metadata.labels)
      .filter(([key, value]) => isMeant(key, false) || isBareWish(key, value))
      .map(([key]) => `its label ${key} is not read, and so counts as off: ${INSTEAD}`),
    ...[...entries(data), ...entries(binaryData)]
      .filter(([key]) => isMeant(key, true))
      .map(([key]) => `its data key ${key} is not read, and so counts as off: ${INSTEAD}`),
  ];
}

const INSTEAD = `write the annotation ${POLICY_ANNOTATIONS.mode}`;

/** @param bare whether a word without a prefix counts: of labels it may be anybody's */
function isMeant(key: string, bare: boolean): boolean {
  const spelling = spelled(key);
  if (spelling === undefined) return false;
  if (spelling.prefix !== 'bare') return true;
  return (
    bare &&
    (meantPolicy(spelling) !== undefined ||
      wantsOff(spelling, 'true') ||
      wantsOff(spelling, 'false'))
  );
}

function isBareWish(key: string, value: unknown): boolean {
  const spelling = spelled(key);
  if (spelling?.prefix !== 'bare') return false;
  return wantsOff(spelling, value) || (key.toLowerCase() === 'mode' && value !== 'run');
}

function entries(texts: unknown): [string, unknown][] {
  return isObject(texts) ? Object.entries(texts) : [];
}
