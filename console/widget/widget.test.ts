import { expect, test } from 'vitest';
import { deviceOf } from './device.ts';
import { inboxOf } from './place.ts';

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36', 'Chrome 146, Windows'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36 Edg/146.0.0.0', 'Edge 146, Windows'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1', 'Safari 19, iOS'],
  ['Mozilla/5.0 (Linux; Android 16; V2309A) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36 XWEB/1300 MicroMessenger/8.0.60', 'WeChat 8, Android'],
  ['curl/8', ''],
])('the device of %s', (userAgent, device) => expect(deviceOf(userAgent)).toBe(device));

test('the inbox is named by the address, and nothing else passes', () => {
  expect(inboxOf('/widget/web')).toBe('web');
  expect(inboxOf('/w/shop_1/')).toBe('shop_1');
  for (const path of ['/', '/w/', '/w/a/b', '/widget/../api', '/w/a%20b']) expect(inboxOf(path)).toBeNull();
});
