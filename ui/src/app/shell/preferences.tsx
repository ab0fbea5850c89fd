import {
  ActionIcon,
  Popover,
  SegmentedControl,
  Stack,
  Text,
  useMantineColorScheme,
} from '@mantine/core'
import { IconAdjustmentsHorizontal } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { setLanguage } from '@/locales/i18n'
import { isLanguage, LANGUAGES, LANGUAGE_NAMES } from '@/locales/language'

/** Language and appearance, behind one button. */
export function Preferences() {
  const { t, i18n } = useTranslation('shell')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Popover shadow="md" width={280} trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon size="lg" aria-label={t('preferences')} title={t('preferences')}>
          <IconAdjustmentsHorizontal size={18} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <div>
            <Text size="xs" c="dimmed" mb={4} id="preference-language">
              {t('language')}
            </Text>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-labelledby="preference-language"
              data={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
              value={i18n.language}
              onChange={(value) => isLanguage(value) && void setLanguage(value)}
            />
          </div>
          <div>
            <Text size="xs" c="dimmed" mb={4} id="preference-theme">
              {t('theme')}
            </Text>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-labelledby="preference-theme"
              data={[
                { value: 'light', label: t('themeLight') },
                { value: 'dark', label: t('themeDark') },
                { value: 'auto', label: t('themeAuto') },
              ]}
              value={colorScheme}
              onChange={(value) => setColorScheme(value)}
            />
          </div>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
