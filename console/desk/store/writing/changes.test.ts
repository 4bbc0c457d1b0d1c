import { expect, test } from 'vitest';
import { createChanges } from './changes.ts';

function wire() {
  const frames: object[] = [];
  const answers: { resolve: () => void; reject: (error: object) => void }[] = [];
  const ask = (frame: object): Promise<never> => {
    frames.push(frame);
    return new Promise((resolve, reject) => void answers.push({ resolve: resolve as () => void, reject }));
  };
  return { frames, answers, ask };
}

test('a change is asked once, trimmed, and is on its way until the node has stored it', async () => {
  const line = wire();
  const changes = createChanges(line);
  changes.begin('x', 'm1', 'helo');
  changes.write('x', ' hello ');
  expect(changes.editing('x')).toEqual({ target: 'm1', text: ' hello ', before: 'helo' });
  const saved = changes.save('x');
  expect(line.frames).toEqual([{ t: 'edit', conv: 'x', target: 'm1', text: 'hello' }]);
  expect([changes.editing('x'), changes.asked('m1')]).toEqual([undefined, { is: 'edit', error: null }]);
  await changes.save('x');
  expect(line.frames).toHaveLength(1);
  line.answers[0]?.resolve();
  await saved;
  expect(changes.asked('m1')).toBeUndefined();
});

test('what was refused is told at its message and written on, but not over another one', async () => {
  const line = wire();
  const changes = createChanges(line);
  changes.begin('x', 'm1', 'a');
  changes.write('x', 'b');
  const first = changes.save('x');
  line.answers[0]?.reject({ code: 'message.too_late', message: 'late' });
  await first;
  expect(changes.asked('m1')).toEqual({ is: 'edit', error: { code: 'message.too_late', message: 'late' } });
  expect(changes.editing('x')).toMatchObject({ target: 'm1', text: 'b' });
  const again = changes.save('x');
  changes.begin('x', 'm2', 'c');
  line.answers[1]?.reject({ code: 'offline', message: '' });
  await again;
  expect(changes.editing('x')).toMatchObject({ target: 'm2', text: 'c' });
  changes.begin('x', 'm1', 'a');
  expect(changes.asked('m1')).toBeUndefined();
});

test('leaving changes nothing, and what is withdrawn is no longer written', async () => {
  const line = wire();
  const changes = createChanges(line);
  changes.begin('x', 'm1', 'a');
  changes.leave('x');
  expect([changes.editing('x'), line.frames]).toEqual([undefined, []]);
  changes.begin('x', 'm1', 'a');
  const gone = changes.recall('x', 'm1');
  expect([changes.editing('x'), line.frames]).toEqual([undefined, [{ t: 'recall', conv: 'x', target: 'm1' }]]);
  line.answers[0]?.reject({ code: 'message.not_yours', message: '' });
  await gone;
  expect(changes.asked('m1')).toMatchObject({ is: 'recall' });
  changes.dismiss('m1');
  expect(changes.asked('m1')).toBeUndefined();
});
