/** Who looks at the settings and what they may do, as the node said it when the settings were opened. */
import { createContext, useContext, type Accessor } from 'solid-js';
import type { ProfileOut } from '../../api/rest.ts';

export const MeContext = createContext<Accessor<ProfileOut>>();

export function useMe(): Accessor<ProfileOut> {
  const me = useContext(MeContext);
  if (me === undefined) throw new Error('no settings around this component');
  return me;
}

export function useMay(): (action: string) => boolean {
  const me = useMe();
  return (action) => me().actions.includes(action);
}
