import { expect, test } from 'vitest'
import {
  changeOf,
  channelProblems,
  channelsWith,
  orderOf,
  ruleProblems,
  type RuleValues,
} from './notification-values'

const SAID = { percent: 'percent', time: 'time', interval: 'interval', required: 'required' }
const VALUES: RuleValues = {
  account_thresholds: ['90', '100 %'],
  total_thresholds: [],
  daily_times: ['9:00', '17:30'],
  timezone: ' Asia/Tokyo ',
  language: 'zh',
  check_interval_seconds: 600,
}

test('what people type becomes what the gateway takes', () => {
  expect(ruleProblems(VALUES, SAID)).toEqual({})
  expect(changeOf(VALUES)).toEqual({
    account_thresholds: [90, 100],
    total_thresholds: [],
    daily_times: ['09:00', '17:30'],
    timezone: 'Asia/Tokyo',
    language: 'zh',
    check_interval_seconds: 600,
  })
})

test.each<[Partial<RuleValues>, object]>([
  [{ account_thresholds: ['0'] }, { account_thresholds: 'percent' }],
  [{ total_thresholds: ['90', 'many'] }, { total_thresholds: 'percent' }],
  [{ total_thresholds: ['1.5'] }, { total_thresholds: 'percent' }],
  [{ daily_times: ['24:00'] }, { daily_times: 'time' }],
  [{ daily_times: ['noon'] }, { daily_times: 'time' }],
  [{ timezone: ' ' }, { timezone: 'required' }],
  [{ check_interval_seconds: '' }, { check_interval_seconds: 'interval' }],
  [{ check_interval_seconds: 0.5 }, { check_interval_seconds: 'interval' }],
])('%j is wrong at its field', (part, problems) => {
  expect(ruleProblems({ ...VALUES, ...part }, SAID)).toEqual(problems)
})

const channel = (id: string) => ({ id, type: 'slack' as const, name: id, url: 'https://h/***' })

test('a channel is changed by its id, and keeps its URL unless another is given', () => {
  const values = { type: 'teams' as const, name: ' ops ', url: ' ' }
  expect(orderOf(values, channel('a'))).toEqual({ id: 'a', type: 'teams', name: 'ops' })
  const url = 'https://example.com/x'
  expect(orderOf({ ...values, url }, null)).toEqual({ type: 'teams', name: 'ops', url })
})

test('the other channels stay as they are', () => {
  const all = [channel('a'), channel('b')]
  const order = { type: 'slack' as const, name: 'new', url: 'https://x' }
  expect(channelsWith(all, null, order)).toEqual([{ id: 'a' }, { id: 'b' }, order])
  expect(channelsWith(all, all[0] ?? null, { id: 'a', name: 'n' })).toEqual([
    { id: 'a', name: 'n' },
    { id: 'b' },
  ])
  expect(channelsWith(all, all[1] ?? null, null)).toEqual([{ id: 'a' }])
})

test.each([
  ['', true, { url: 'required' }],
  ['', false, {}],
  ['hooks.slack.com', false, { url: 'url' }],
  ['https://hooks.slack.com/x', true, {}],
])('the URL %j of a new channel or an old one', (url, isNew, problems) => {
  const values = { type: 'slack' as const, name: '', url }
  expect(channelProblems(values, isNew, { url: 'url', required: 'required' })).toEqual(problems)
})
