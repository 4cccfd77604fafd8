/** How far each round goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roundChangesMax } from '@anysync/protocol/limits.ts'
import { HeadCourse } from './head-course.ts'

test('every round takes up as much again, besides what could not be carried out', () => {
  const course = new HeadCourse(10)
  for (const { found, undone, next } of [
    { found: 12, undone: 0, next: 10 },
    { found: 12, undone: 3, next: 13 },
    { found: 14, undone: 3, next: 13 },
    { found: 13, undone: 13, next: 26 },
    { found: 26, undone: 26, next: 52 },
    { found: 60, undone: 59, next: 69 },
    { found: 70, undone: 0, next: 10 },
  ]) {
    course.goOn({ behind: { found, undone } })
    assert.equal(course.changesMax, next)
  }
  course.goOn({ behind: { found: 12, undone: 2 } })
  course.goOn({ behind: null })
  assert.equal(course.changesMax, 12)
  assert.equal(new HeadCourse().changesMax, roundChangesMax)
})
