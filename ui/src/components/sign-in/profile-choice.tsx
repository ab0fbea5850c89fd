import { Alert, Badge, Button, Group, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { Login } from '@/api/types'
import { useChosenProfile } from './sign-in-api'
import classes from './sign-in.module.css'

/** Names may be the same; what tells profiles apart is the ARN. */
export function ProfileChoice({ login }: { login: Login }) {
  const { t } = useTranslation(['sign-in', 'common'])
  const choose = useChosenProfile(login.id)
  const profiles = login.profiles ?? []
  const [arn, setArn] = useState(() => profiles.find(({ chosen }) => chosen)?.arn ?? '')
  const why =
    choose.error instanceof Unreachable ? t('common:state.unreachable') : choose.error?.message
  return (
    <Stack gap="md">
      <Radio.Group aria-label={t('wait.profile')} value={arn} onChange={setArn}>
        <Stack gap="xs">
          {profiles.map((profile) => (
            <Radio.Card
              key={profile.arn}
              value={profile.arn}
              radius="md"
              className={classes.card}
              aria-label={`${profile.name}, ${profile.region}`}
            >
              <Radio.Indicator />
              <div className={classes.place}>
                <Group gap="xs">
                  <Text size="sm" fw={550}>
                    {profile.name}
                  </Text>
                  <Text size="sm" c="dimmed">
                    {profile.region}
                  </Text>
                  {profile.chosen && <Badge>{t('wait.profileNow')}</Badge>}
                </Group>
                <Text size="xs" c="dimmed">
                  {profile.arn}
                </Text>
              </div>
            </Radio.Card>
          ))}
        </Stack>
      </Radio.Group>
      {why && (
        <Alert color="red" role="alert" title={t('wait.profileFailed')}>
          {why}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button disabled={!arn} loading={choose.isPending} onClick={() => choose.mutate(arn)}>
          {t('wait.profileConfirm')}
        </Button>
      </Group>
    </Stack>
  )
}
