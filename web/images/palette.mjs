/** The palette of a lossless image, and what of it is transparent. */

import { FormatError } from '../bitstream/errors.mjs'

const ENTRY = [0, 3, 4]

function invalid() {
  return new FormatError('the palette is not valid')
}

/**
 * Returns the palette of an image of a mode; null if there is none. `width` is the bytes of an entry, 0 if there are no
 * entries; `key` is a transparent index, level or colour, `table` alpha by index.
 */
export function readPalette(section, mode) {
  const indexed = mode === 'P' || mode === 'PA'
  if (!section.length) {
    if (indexed) throw new FormatError('the palette is missing')
    return null
  }
  const [kind, form] = [section[0] >> 2, section[0] & 3]
  const misfit = form > 2 || kind > 2 || form > 0 !== indexed || !(indexed || kind === 1)
  if (misfit) throw invalid()
  const width = ENTRY[form]
  let body = section.subarray(1)
  let entries = new Uint8Array(0)
  if (indexed) {
    const size = ((body[0] ?? 0) + 256 * (body[1] ?? 0)) * width
    entries = body.subarray(2, 2 + size)
    body = body.subarray(2 + size)
    if (entries.length !== size || size > 256 * width) throw invalid()
  }
  return { width, entries, ...transparency(kind, body, mode) }
}

function transparency(kind, body, mode) {
  const none = { key: null, table: null }
  if (kind === 2 && body.length <= 256) return { ...none, table: body }
  if (kind === 0 && !body.length) return none
  if (kind !== 1 || body.length !== (mode === 'RGB' ? 6 : 2)) throw invalid()
  const key = Array.from({ length: body.length / 2 }, (_, i) => body[2 * i] + 256 * body[2 * i + 1])
  if ((mode === 'P' || mode === 'PA') && key[0] > 255) throw invalid()
  return { ...none, key }
}
