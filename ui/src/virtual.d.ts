/** Made by scripts/mantine-styles.ts. */
declare module 'virtual:mantine-styles'
