import { IconRocket } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { inUseQuery } from '@/api/first-run'

/** Back to the set-up, until the gateway has served a client. */
export function SetUpLink({ className, onChoose }: { className?: string; onChoose?: () => void }) {
  const { t } = useTranslation('shell')
  const inUse = useQuery(inUseQuery)
  if (inUse.data !== false) return null
  return (
    <Link to="/start" className={className} onClick={onChoose}>
      <IconRocket size={18} stroke={1.7} aria-hidden />
      {t('setUp')}
    </Link>
  )
}
