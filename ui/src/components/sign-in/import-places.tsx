import { Button, Radio, Stack, Text } from '@mantine/core'
import { IconFolderOff, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { LocalPlace } from '@/api/types'
import { useFormat } from '../format'
import { LoadError } from '../load-error'
import { Loading } from '../loading'
import { Message } from '../message'
import { useNow } from '../time-ago'
import { placesQuery } from './sign-in-api'
import classes from './sign-in.module.css'

interface ImportPlacesProps {
  /** The path of a place; empty: the best of all. */
  value?: string
  onChange?: (path: string) => void
}

/** What there is to be copied on the gateway's machine. */
export function ImportPlaces({ value = '', onChange }: ImportPlacesProps) {
  const { t } = useTranslation('sign-in')
  const places = useQuery(placesQuery)
  if (places.isPending) return <Loading label={t('places.loading')} lines={3} height={40} />
  if (places.isError) {
    return <LoadError error={places.error} onRetry={places.refetch} retrying={places.isFetching} />
  }
  if (!places.data.some(({ exists }) => exists)) {
    return (
      <Message
        icon={IconFolderOff}
        title={t('places.none')}
        action={
          <Button
            variant="default"
            size="xs"
            leftSection={<IconRefresh size={15} aria-hidden />}
            loading={places.isFetching}
            onClick={() => void places.refetch()}
          >
            {t('places.again')}
          </Button>
        }
      >
        {t('places.noneHint')}
        <ul className={classes.paths}>
          {places.data.map(({ path }) => (
            <li key={path}>
              <code>{path}</code>
            </li>
          ))}
        </ul>
      </Message>
    )
  }
  return (
    <Radio.Group label={t('places.label')} value={value} onChange={onChange}>
      <Stack gap="xs" mt="xs">
        <Radio.Card value="" radius="md" className={classes.card}>
          <Radio.Indicator />
          <div>
            <Text size="sm" fw={550}>
              {t('places.best')}
            </Text>
            <Text size="xs" c="dimmed">
              {t('places.bestHint')}
            </Text>
          </div>
        </Radio.Card>
        {places.data
          .filter(({ exists }) => exists)
          .map((place) => (
            <Radio.Card
              key={place.path}
              value={place.path}
              disabled={place.sign_ins.length === 0}
              radius="md"
              className={classes.card}
            >
              <Radio.Indicator disabled={place.sign_ins.length === 0} />
              <Place place={place} />
            </Radio.Card>
          ))}
      </Stack>
    </Radio.Group>
  )
}

function Place({ place }: { place: LocalPlace }) {
  const { t } = useTranslation('sign-in')
  const format = useFormat()
  const now = useNow()
  const said = place.sign_ins.map(({ auth_method, expires_at, renewable }) => {
    const how = t(`how.${auth_method as 'social'}`)
    const valid = expires_at !== null && Date.parse(expires_at) > now
    if (valid) return t('places.valid', { how, time: format.dateTime(expires_at) })
    return t(renewable ? 'places.renewable' : 'places.expired', { how })
  })
  return (
    <div className={classes.place}>
      <Text size="sm" fw={550}>
        {t(place.source === 'ide' ? 'places.ide' : 'places.kiroCli')}
      </Text>
      {[...said, ...place.problems].map((line) => (
        <Text key={line} size="xs">
          {line}
        </Text>
      ))}
      {said.length === 0 && place.problems.length === 0 && (
        <Text size="xs">{t('places.empty')}</Text>
      )}
      <Text size="xs" c="dimmed">
        {place.path}
      </Text>
    </div>
  )
}
