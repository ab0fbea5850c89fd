// Lays .br and .gz beside what compresses well, so that the gateway only has to choose.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const ASSETS = new URL('../../gateway/web/static/assets/', import.meta.url).pathname
const TEXT = /\.(js|css|svg|json)$/
const SMALLEST = 512 // bytes; below, headers weigh more than what is saved

for (const name of readdirSync(ASSETS)) {
  if (!TEXT.test(name)) continue
  const path = join(ASSETS, name)
  const content = readFileSync(path)
  if (content.length < SMALLEST) continue
  const brotli = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  })
  writeFileSync(`${path}.br`, brotli)
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
}
