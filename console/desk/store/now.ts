import { createSignal } from 'solid-js';

/** The present, moved on every 15 s: ages and waiting times read it. */
const [now, setNow] = createSignal(Date.now());
setInterval(() => setNow(Date.now()), 15_000);
export { now };
