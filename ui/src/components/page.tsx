import { Group, Text, Title } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './page.module.css'

interface PageProps {
  title: string
  /** One sentence under the title. */
  description?: ReactNode
  /** Beside the title, such as a status. */
  badge?: ReactNode
  /** Buttons at the right. */
  actions?: ReactNode
  /** Where the page belongs, as a link above the title. */
  back?: { to: string; label: string; search?: object }
  children: ReactNode
}

/** The frame of every page: its title, also in the window's, and what can be done on it. */
export function Page({ title, description, badge, actions, back, children }: PageProps) {
  const { t } = useTranslation()
  useDocumentTitle(title)
  return (
    <div className={classes.page}>
      {back && (
        <Link
          to={back.to}
          search={(back.search ?? {}) as never}
          className={classes.back}
          aria-label={`${t('action.back')}: ${back.label}`}
        >
          <IconArrowLeft size={15} aria-hidden /> {back.label}
        </Link>
      )}
      <header className={classes.header}>
        <div className={classes.heading}>
          <Group gap="sm" wrap="nowrap">
            <Title order={1} className={classes.title}>
              {title}
            </Title>
            {badge}
          </Group>
          {description && (
            <Text c="dimmed" size="sm" mt={4} maw="70ch">
              {description}
            </Text>
          )}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  )
}

export function useDocumentTitle(title: string): void {
  const { t } = useTranslation()
  const product = t('product')
  useEffect(() => {
    document.title = `${title} · ${product}`
  }, [title, product])
}
