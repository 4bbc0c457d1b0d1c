/** Contrast ratio of WCAG 2, for the accent colour of an inbox. Pure. */

/** Red, green, blue in 0..255, or null if `colour` isn't #rgb or #rrggbb. */
export function parseHex(colour: string): [number, number, number] | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(colour);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  const parts = long?.slice(1) ?? short?.slice(1).map((digit) => digit + digit);
  if (parts === undefined) return null;
  return [parseInt(parts[0] ?? '', 16), parseInt(parts[1] ?? '', 16), parseInt(parts[2] ?? '', 16)];
}

function luminance(rgb: readonly [number, number, number]): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: readonly [number, number, number], b: readonly [number, number, number]): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const WHITE = [255, 255, 255] as const;
const INK = [6, 20, 17] as const;
const hex = (rgb: readonly number[]): string => `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/**
 * Readable accent: `accent` moved towards black or white until its contrast with `surface` and with the text on it is at
 * least 4.5:1, and the colour of that text. Null if `accent` is no colour.
 */
export function readableAccent(accent: string, surface: string): { accent: string; onAccent: string } | null {
  const start = parseHex(accent);
  const ground = parseHex(surface);
  if (start === null || ground === null) return null;
  const target = luminance(ground) > 0.4 ? 0 : 255;
  for (let step = 0; step <= 20; step += 1) {
    const moved = start.map((part) => Math.round(part + ((target - part) * step) / 20)) as [number, number, number];
    const onAccent = contrast(moved, WHITE) >= contrast(moved, INK) ? WHITE : INK;
    if (contrast(moved, ground) >= 4.5 && contrast(moved, onAccent) >= 4.5) {
      return { accent: hex(moved), onAccent: hex(onAccent) };
    }
  }
  return null;
}
