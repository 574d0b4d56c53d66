/** The alarm of an object: it never throws, a duty that fails holds up no other, and what is due is always armed. */
import { describe, expect, test, vi } from 'vitest';
import { AlarmScheduler, type Duty } from '../../../durable-objects/runtime/alarm-scheduler.ts';

function newObject(...duties: Duty[]) {
  const object = { now: 1_000, alarm: null as number | null, failures: [] as string[], sets: 0 };
  const storage = {
    setAlarm: async (at: number | Date) => void ((object.alarm = Number(at)), object.sets++),
    deleteAlarm: async () => void (object.alarm = null),
  };
  const scheduler = new AlarmScheduler(
    storage,
    () => ({ now: () => object.now }),
    duties,
    (duty) => object.failures.push(duty),
  );
  const ring = () => {
    object.alarm = null;
    return scheduler.ring();
  };
  return { object, scheduler, ring };
}

/** A duty with a list of due times, which does one of them a time. */
function listDuty(name: string, dues: number[], work: () => void = () => {}) {
  const done: number[] = [];
  const duty: Duty = {
    name,
    dueAt: () => dues[0],
    run: (now) => {
      work();
      if (dues[0]! <= now) done.push(dues.shift()!);
    },
  };
  return { duty, done, dues };
}

describe('the alarm of an object', () => {
  test('is set for the duty that is due first, and not again for the same time', async () => {
    const { object, scheduler } = newObject(listDuty('late', [9_000]).duty, listDuty('soon', [5_000]).duty);
    await scheduler.arm();
    await scheduler.arm();
    expect(object).toMatchObject({ alarm: 5_000, sets: 1 });
  });

  test('is taken away when nothing is due any more', async () => {
    const { dues, duty } = listDuty('one', [5_000]);
    const { object, scheduler } = newObject(duty);
    await scheduler.arm();
    dues.length = 0;
    await scheduler.arm();
    expect(object.alarm).toBeNull();
  });

  test('does what is due, leaves what is not, and is set for the rest', async () => {
    const soon = listDuty('soon', [1_000, 1_000, 7_000]);
    const late = listDuty('late', [9_000]);
    const { object, ring } = newObject(soon.duty, late.duty);
    await ring();
    expect([soon.done, late.done, object.alarm]).toEqual([[1_000], [], 1_000]);
    await ring();
    expect([soon.done, late.done, object.alarm]).toEqual([[1_000, 1_000], [], 7_000]);
  });

  test('outlives a duty that throws ten times in a row, which comes back ever later and holds up no other', async () => {
    let broken = true;
    const bad = listDuty('bad', [1_000], () => {
      if (broken) throw new Error('no');
    });
    const good = listDuty('good', [1_000, 1_000, 1_000, 1_000]);
    const { object, ring } = newObject(bad.duty, good.duty);
    const waits: number[] = [];
    for (let round = 0; round < 10; round++) {
      await ring();
      expect(object.alarm).not.toBeNull();
      if (good.dues.length === 0) {
        waits.push(object.alarm! - object.now);
        object.now = object.alarm!;
      }
    }
    expect(good.done).toHaveLength(4);
    expect(object.failures.every((duty) => duty === 'bad')).toBe(true);
    expect(waits.at(-1)).toBeGreaterThan(waits[0]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(300_000);
    broken = false;
    await ring();
    expect([bad.done, object.alarm]).toEqual([[1_000], null]);
  });

  test('is not held up by a duty that hangs: the others are done, it is not begun twice, and an alarm looks after it', async () => {
    let begun = 0;
    let end = () => {};
    const hangs: Duty = {
      name: 'hangs',
      dueAt: () => 1_000,
      run: () => (begun++, new Promise<void>((resolve) => (end = resolve))),
    };
    const good = listDuty('good', [1_000, 2_000]);
    const { object, ring } = newObject(hangs, good.duty);
    await ring();
    expect([good.done, object.alarm]).toEqual([[1_000], 2_000]);
    object.now = 2_000;
    await ring();
    expect([good.done, begun]).toEqual([[1_000, 2_000], 1]);
    expect(object.alarm).toBeGreaterThan(object.now);
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(object.alarm).toBe(1_000);
  });

  test('waits for a duty that takes long no longer than until another is due', async () => {
    vi.useFakeTimers();
    try {
      const long: Duty = { name: 'long', dueAt: () => 1_000, run: () => new Promise(() => {}) };
      const { object, ring } = newObject(long, listDuty('soon', [1_040]).duty);
      let isOver = false;
      void ring().then(() => (isOver = true));
      await vi.advanceTimersByTimeAsync(39);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect([isOver, object.alarm]).toEqual([true, 1_040]);
    } finally {
      vi.useRealTimers();
    }
  });
});
