import { readdirSync } from 'node:fs'
import js from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'

const FEATURES = readdirSync(new URL('./src/features/', import.meta.url))

/** Imports of `from` by `files` fail, saying why. Everything outside a folder is imported by @/. */
function zone(files, from, message) {
  const patterns = from.map((group) => ({ regex: group, message }))
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } }
}

const OUTSIDE = '^(\\.\\./)+(app|features|components|api|locales)/'

export default tseslint.config(
  { ignores: ['src/api/schema.d.ts', '.cache/', 'node_modules/'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  reactHooks.configs.flat.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'scripts/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } },
      ],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['*.js', 'scripts/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', URL: 'readonly' } },
  },
  // app → features → components, api. Never back, never across.
  zone(
    ['src/components/**'],
    ['^@/(app|features)(/|$)', OUTSIDE],
    'Components know neither pages nor the application.',
  ),
  zone(
    ['src/api/**', 'src/locales/**'],
    ['^@/(app|features|components)(/|$)', OUTSIDE],
    'The API and the texts know nothing of what is drawn.',
  ),
  ...FEATURES.map((name) =>
    zone(
      [`src/features/${name}/**`],
      ['^@/app(/|$)', `^@/features/(?!${name}/)`, OUTSIDE],
      'Features never import the application or each other. What two share is a component.',
    ),
  ),
)
