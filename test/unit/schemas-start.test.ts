/** What a task is started with, beside itself: its id and its priority, and that all of it is refused at once. */
import { describe, expect, it } from 'vitest';
import { checkStart, type InputProblem } from '../../src/schemas.ts';
import { refusalOf } from './refusal-of.ts';

const command = { workload: 'command', image: 'busybox:1.36' };

function startProblemsOf(...start: Parameters<typeof checkStart>): readonly InputProblem[] {
  return refusalOf(() => checkStart(...start)).facts['problems'] as readonly InputProblem[];
}

describe('a task id', () => {
  it.each(['a', 'x'.repeat(200), 'evaluation/2024-05-01 #7', 'Größe', '😀'])('may be %j', (id) => {
    expect(checkStart({ task: command, id })).toEqual({ task: command, id });
  });

  it.each([
    '',
    'x'.repeat(201),
    ' a',
    'a ',
    'a\nb',
    'a\0',
    '\u202ea',
    '\ud800',
    '.',
    '..',
    'temporal-sys-x',
    'holdfast-limits-holdfast',
    '__temporal_x',
    7,
    null,
  ])('may not be %j', (id) => expect(startProblemsOf({ task: command, id })).toMatchObject([{ field: 'id' }]));
});

describe('a priority', () => {
  it.each([1, 3, 5])('may be %d', (priority) =>
    expect(checkStart({ task: command, priority })).toEqual({ task: command, priority }),
  );

  it.each([0, 6, -1, 2.5, '3', null, NaN])('may not be %j', (priority) =>
    expect(startProblemsOf({ task: command, priority })).toEqual([
      { field: 'priority', message: expect.stringMatching(/^is .+; it must be .+\.$/) },
    ]),
  );
});

describe('a start', () => {
  it('is refused once, for the task, its id and its priority', () => {
    const start = { task: { ...command, image: 'A B' }, id: 'a ', priority: 9 };
    expect(startProblemsOf(start).map(({ field }) => field)).toEqual(['id', 'priority', 'image']);
  });

  it('is refused for what was found before it, too, and nothing more is said of those fields', () => {
    const found = [{ field: 'id', message: 'is given twice.' }];
    expect(startProblemsOf({ task: { ...command, image: 'A B' }, id: 'a ' }, found)).toEqual([
      ...found,
      { field: 'image', message: expect.any(String) },
    ]);
    expect(startProblemsOf({ task: command }, found)).toEqual(found);
  });
});
