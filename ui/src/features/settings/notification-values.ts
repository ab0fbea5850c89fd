import type { ChannelOrder, Notifications, NotificationsChange } from '@/api/types'

/** The rules as the form holds them: lists of texts, as people type them. */
export interface RuleValues {
  account_thresholds: string[]
  total_thresholds: string[]
  daily_times: string[]
  timezone: string
  language: string
  check_interval_seconds: number | string
}

export function ruleValuesOf(settings: Notifications): RuleValues {
  return {
    account_thresholds: settings.account_thresholds.map(String),
    total_thresholds: settings.total_thresholds.map(String),
    daily_times: settings.daily_times,
    timezone: settings.timezone,
    language: settings.language,
    check_interval_seconds: settings.check_interval_seconds,
  }
}

export function changeOf(values: RuleValues): NotificationsChange {
  return {
    account_thresholds: values.account_thresholds.map(percentOf),
    total_thresholds: values.total_thresholds.map(percentOf),
    daily_times: values.daily_times.map(timeOf),
    timezone: values.timezone.trim(),
    language: values.language as 'en' | 'zh',
    check_interval_seconds: Number(values.check_interval_seconds),
  }
}

/** "90 %" as well as "90". */
function percentOf(text: string): number {
  return Number(text.replace(/[%\s]/g, ''))
}

/** "9:00" is a time as well. */
function timeOf(text: string): string {
  const trimmed = text.trim().replace('：', ':')
  return /^\d:/.test(trimmed) ? `0${trimmed}` : trimmed
}

type Problems<Values> = Partial<Record<keyof Values, string>>

export interface RuleComplaints {
  percent: string
  time: string
  interval: string
  required: string
}

export function ruleProblems(values: RuleValues, said: RuleComplaints): Problems<RuleValues> {
  const problems: Problems<RuleValues> = {}
  for (const name of ['account_thresholds', 'total_thresholds'] as const) {
    const wrong = values[name]
      .map(percentOf)
      .some((one) => !(Number.isInteger(one) && one >= 1 && one <= 1000))
    if (wrong) problems[name] = said.percent
  }
  if (values.daily_times.map(timeOf).some((one) => !/^([01]\d|2[0-3]):[0-5]\d$/.test(one))) {
    problems.daily_times = said.time
  }
  if (!values.timezone.trim()) problems.timezone = said.required
  const seconds = Number(values.check_interval_seconds)
  if (values.check_interval_seconds === '' || !(seconds >= 1 && seconds <= 86_400)) {
    problems.check_interval_seconds = said.interval
  }
  return problems
}

export type ChannelType = 'teams' | 'slack' | 'webhook'

export interface ChannelValues {
  type: ChannelType
  name: string
  /** Empty: the one there is stays. */
  url: string
}

type Channel = Notifications['channels'][number]

/** The channel as the API takes it, with the id of the one that it changes. */
export function orderOf(values: ChannelValues, channel: Channel | null): ChannelOrder {
  const url = values.url.trim()
  return {
    ...(channel ? { id: channel.id } : {}),
    type: values.type,
    name: values.name.trim(),
    ...(url ? { url } : {}),
  }
}

/** All channels with one changed, added or, by null, taken away. */
export function channelsWith(
  channels: readonly Channel[],
  channel: Channel | null,
  order: ChannelOrder | null,
): ChannelOrder[] {
  const kept = channels.map((one) => (one.id === channel?.id ? order : { id: one.id }))
  if (!channel && order) kept.push(order)
  return kept.filter((one) => one !== null)
}

export function channelProblems(
  values: ChannelValues,
  isNew: boolean,
  said: { url: string; required: string },
): Problems<ChannelValues> {
  const url = values.url.trim()
  if (!url) return isNew ? { url: said.required } : {}
  // Whether it is an address at all is for the gateway to say.
  return /^https?:\/\/\S+$/.test(url) ? {} : { url: said.url }
}
