import manifest from '../../../package.json' with { type: 'json' };

/** Of OpenFero, as package.json has it. */
export const VERSION: string = manifest.version;
