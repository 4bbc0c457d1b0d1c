/** Registry: every file of a folder here is an action. Nothing else lists them. */
import type { Action } from './action.ts';

export const ACTIONS: readonly Action[] = Object.values(import.meta.glob<Action>('./*/*.ts', { eager: true, import: 'default' }));
