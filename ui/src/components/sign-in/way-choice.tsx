import { Alert, UnstyledButton } from '@mantine/core'
import {
  IconBuilding,
  IconBuildingBank,
  IconChevronRight,
  IconCopy,
  IconIdBadge2,
  IconInfoCircle,
  IconKey,
  IconWorld,
  type TablerIcon,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Login } from '@/api/types'
import { useFormat } from '../format'
import { useNow } from '../time-ago'
import { reasonOf } from './sign-in-problems'
import classes from './sign-in.module.css'
import { GROUPS, type Way } from './ways'

const ICONS: Record<Way, TablerIcon> = {
  portal: IconWorld,
  external: IconBuildingBank,
  builder: IconIdBadge2,
  organisation: IconBuilding,
  import: IconCopy,
  key: IconKey,
}

interface WayChoiceProps {
  /** What was tried last, minutes ago. */
  last: Login | undefined
  onChoose: (way: Way) => void
}

export function WayChoice({ last, onChoose }: WayChoiceProps) {
  const { t } = useTranslation('sign-in')
  return (
    <div className={classes.stack}>
      <LastAttempt login={last} />
      {GROUPS.map(({ id, ways }) => (
        <section key={id} aria-label={t(`group.${id}`)}>
          <div className={classes.group} aria-hidden>
            {t(`group.${id}`)}
          </div>
          <div className={classes.ways}>
            {ways.map((way) => {
              const Icon = ICONS[way]
              return (
                <UnstyledButton key={way} className={classes.way} onClick={() => onChoose(way)}>
                  <span className={classes.wayIcon}>
                    <Icon size={20} stroke={1.6} aria-hidden />
                  </span>
                  <span className={classes.wayText}>
                    <span className={classes.wayTitle}>{t(`way.${way}.title`)}</span>
                    <span className={classes.wayHint}>{t(`way.${way}.hint`)}</span>
                  </span>
                  <IconChevronRight size={16} className={classes.chevron} aria-hidden />
                </UnstyledButton>
              )
            })}
          </div>
        </section>
      ))}
    </div>
  )
}

/** For whoever comes back after a reload: how it went meanwhile. */
function LastAttempt({ login }: { login: Login | undefined }) {
  const { t } = useTranslation('sign-in')
  const format = useFormat()
  const now = useNow()
  const reason = login && reasonOf(login)
  if (!login || reason === 'cancelled' || login.status === 'pending') return null
  const time = format.relative(login.finished_at ?? login.created_at, now)
  return (
    <Alert
      color={reason ? 'orange' : 'teal'}
      icon={<IconInfoCircle size={18} aria-hidden />}
      title={`${t('result.last', { time })} ${
        reason ? t(`result.reason.${reason}`) : t('result.done', { name: login.account })
      }`}
    >
      {reason && t(`result.advice.${reason}`)}
    </Alert>
  )
}
