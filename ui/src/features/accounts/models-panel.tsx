import { Badge, Button } from '@mantine/core'
import { IconCpu, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import type { Account, Model } from '@/api/types'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { Panel } from '@/components/panel'
import { Status } from '@/components/status'
import { useRenewModels } from './accounts-api'
import { coolingModels } from './health'
import { Problem } from './problem'
import classes from './account.module.css'

/** What an account can be asked for, at which rate and up to which size. */
export function ModelsPanel({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const models = useQuery(modelsQuery(account.id))
  const renew = useRenewModels(account.id)
  return (
    <Panel
      title={t('models.title')}
      aside={
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconRefresh size={14} aria-hidden />}
          loading={renew.isPending}
          onClick={() => renew.mutate()}
        >
          {t('models.renew')}
        </Button>
      }
    >
      <Problem error={renew.error} />
      {models.isPending && <Loading lines={4} />}
      {models.isError && !models.data && (
        <LoadError error={models.error} onRetry={models.refetch} retrying={models.isFetching} />
      )}
      {models.data?.length === 0 && (
        <Message icon={IconCpu} title={t('models.none')}>
          {t('models.noneHint')}
        </Message>
      )}
      {models.data && models.data.length > 0 && (
        <ModelTable models={models.data} cooling={coolingModels(account.health)} />
      )}
    </Panel>
  )
}

function ModelTable({ models, cooling }: { models: Model[]; cooling: string[] }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const none = t('common:time.none')
  const tokens = (count: number | null) => (count === null ? none : format.number(count))
  const inputs = (types: string[]) =>
    format.list(
      types.map((type) => {
        const known = type.toLowerCase()
        return known === 'text' || known === 'image' ? t(`models.${known}`) : type
      }),
    )
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('models.title')}>
      <table className={classes.models}>
        <thead>
          <tr>
            <th scope="col">{t('models.model')}</th>
            <th scope="col">{t('models.rate')}</th>
            <th scope="col">{t('models.context')}</th>
            <th scope="col">{t('models.output')}</th>
            <th scope="col">{t('models.input')}</th>
            <th scope="col">{t('models.caching')}</th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr key={model.model_id}>
              <td>
                <span className={classes.modelName}>
                  <code>{model.model_id}</code>
                  {model.is_default && <Badge size="sm">{t('models.default')}</Badge>}
                  {cooling.includes(model.model_id) && (
                    <Status tone="warn" label={t('state.cooling_down')} />
                  )}
                </span>
                {model.description && <div className={classes.dimmed}>{model.description}</div>}
              </td>
              <td>
                {model.rate_multiplier === null
                  ? none
                  : t('models.rateOf', { rate: format.credits(model.rate_multiplier) })}
              </td>
              <td>{tokens(model.token_limits.max_input_tokens)}</td>
              <td>{tokens(model.token_limits.max_output_tokens)}</td>
              <td>{inputs(model.supported_input_types) || none}</td>
              <td>
                {model.prompt_caching
                  ? t(model.prompt_caching.supports_prompt_caching ? 'models.yes' : 'models.no')
                  : none}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
