import { createSignal } from 'solid-js';

/** Slice: clock of the page, ticks every 15 s; ages and waiting times depend on it. */
const [now, setNow] = createSignal(Date.now());
setInterval(() => setNow(Date.now()), 15_000);
export { now };
