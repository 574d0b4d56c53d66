import { expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { GuessesAMinute, GuessThrottle } from '../../../workers/edge/guess-throttle.ts';

const [acme, other] = [mintId('tenant', 1), mintId('tenant', 2)];
const Now = 1_000_000;

test('a source that guesses is told to wait after so many refusals, and no other source or tenant is', () => {
  const throttle = new GuessThrottle();
  for (let guess = 0; guess < GuessesAMinute; guess++) expect(throttle.note(acme, 'a', Now + guess)).toBeUndefined();
  expect(throttle.note(acme, 'a', Now + 1_000)).toBe(59_000);
  expect(throttle.note(acme, 'b', Now + 1_000)).toBeUndefined();
  expect(throttle.note(other, 'a', Now + 1_000)).toBeUndefined();
  expect(throttle.note(acme, 'a', Now + 60_000)).toBeUndefined();
});

test('ten thousand guesses from two hundred sources: each is told to wait in its turn, whoever else guesses', () => {
  const throttle = new GuessThrottle();
  let waits = 0;
  for (let guess = 0; guess < 40_000; guess++)
    if (throttle.note(acme, `s${guess % 200}`, Now + guess) !== undefined) waits++;
  expect(waits).toBe(40_000 - 200 * GuessesAMinute);
});

test('a clock that jumps back makes nobody wait longer than a minute', () => {
  const throttle = new GuessThrottle();
  for (let guess = 0; guess <= GuessesAMinute; guess++) throttle.note(acme, 'a', Now);
  expect(throttle.note(acme, 'a', Now - 3_600_000)).toBeUndefined();
});
