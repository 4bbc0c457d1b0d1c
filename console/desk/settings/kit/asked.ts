/** Fetch on mount, with refusals in the sentences of the settings. */
import { createAsked as createAskedOfDesk, type Asked } from '../../common/asked.ts';
import { explained } from '../errors.ts';

export const createAsked = <T>(ask: () => Promise<T>): Asked<T> => createAskedOfDesk(ask, explained);
