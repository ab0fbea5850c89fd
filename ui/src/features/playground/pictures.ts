import type { Picture } from './turns'

const TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
export const ACCEPTED = TYPES.join(',')
/** What the service takes of one. */
export const LARGEST = 5_000_000 // bytes

export type PictureProblem = 'notPicture' | 'tooLarge'

/** Why a file cannot be sent; null when it can. */
export function problemOf(file: Pick<File, 'type' | 'size'>): PictureProblem | null {
  if (!TYPES.includes(file.type)) return 'notPicture'
  return file.size > LARGEST ? 'tooLarge' : null
}

export async function readPicture(file: File): Promise<Picture> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as string) // as readAsDataURL gives
    reader.onerror = () => reject(reader.error ?? new Error(file.name))
    reader.readAsDataURL(file)
  })
  return { name: file.name, type: file.type, data: url.slice(url.indexOf(',') + 1) }
}
