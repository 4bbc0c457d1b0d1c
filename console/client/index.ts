/** The protocol client: what both apps build on. */
export { openCache, type Cache } from './cache.ts';
export { createClient, type Client, type Draft, type Listener } from './client.ts';
export { uuid7 } from './ids.ts';
export type { Link, StopReason } from './link.ts';
export type { Entry } from './outbox.ts';
export { openTabs, type Tabs } from './tabs.ts';
export type * from './types.ts';
