// Options that most commands have.
import { defaultStateFolder } from '../stack/stackState.js';

export const stateOption = {
  kind: 'text',
  placeholder: 'FOLDER',
  fallback: defaultStateFolder,
  description: 'the --state that npm start was given',
} as const;

export const jsonOption = { kind: 'flag', description: 'as JSON, for programs' } as const;
