/** Files of the kind `file` hold an image file of another format, which the browser decodes. */

import { DvcodecError, FormatError } from '../bitstream/errors.mjs'
import { payloadOf } from '../bitstream/container.mjs'

const text = (string) => Array.from(string, (character) => character.charCodeAt(0))
/** How formats begin; null stands for any byte. */
const STARTS = [
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/png', [0x89, ...text('PNG\r\n'), 0x1a, 0x0a]],
  ['image/gif', text('GIF87a')],
  ['image/gif', text('GIF89a')],
  ['image/webp', [...text('RIFF'), null, null, null, null, ...text('WEBP')]],
  ['image/avif', [null, null, null, null, ...text('ftypavif')]],
  ['image/tiff', [...text('II*'), 0]],
  ['image/tiff', [...text('MM'), 0, ...text('*')]],
  ['image/jp2', [0, 0, 0, 0x0c, ...text('jP  \r\n'), 0x87, 0x0a]],
  ['image/jxl', [0xff, 0x0a]],
  ['image/jxl', [0, 0, 0, 0x0c, ...text('JXL \r\n'), 0x87, 0x0a]],
  ['image/bmp', text('BM')],
  ...[1, 2, 3, 4, 5, 6].map((n) => ['image/x-portable-anymap', text(`P${n}`)]),
]

/** Returns the media type of an image file by how it begins; null for formats that are not kept. */
export function typeOf(data) {
  const begins = (start) => start.every((byte, i) => (byte === null ? i < data.length : data[i] === byte))
  return STARTS.find(([, start]) => begins(start))?.[0] ?? null
}

/** Returns the image file inside, and its media type. */
export function keptBytes(file) {
  if (file.fault) throw file.fault
  const bytes = payloadOf(file.one('pixels'))
  const type = typeOf(bytes)
  if (!type) throw new FormatError('the image file inside is of no known format')
  return { bytes, type }
}

/** Decodes the image file inside, where the platform can. */
export async function keptPicture(file) {
  const { bytes, type } = keptBytes(file)
  const { width, height, mode } = file.header
  const hint = 'use `keptFile` for the file itself'
  if (typeof createImageBitmap === 'undefined') throw new DvcodecError(`Node.js decodes no ${type} files`, hint)
  const blob = new Blob([bytes], { type })
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'none', premultiplyAlpha: 'none' }).catch(() => null)
  if (!bitmap) throw new DvcodecError(`this browser decodes no ${type} files`, hint)
  if (bitmap.width !== width || bitmap.height !== height) {
    throw new FormatError('the image file inside is not of the size in the header')
  }
  const context = new OffscreenCanvas(width, height).getContext('2d')
  context.drawImage(bitmap, 0, 0)
  const samples = new Uint8Array(context.getImageData(0, 0, width, height).data)
  const nothing = new Uint8Array(0)
  const picture = { width, height, mode: 'RGBA', samples }
  return { picture, header: { mode }, reduced: false, metadata: { icc: nothing, exif: nothing } }
}
