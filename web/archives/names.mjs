/** The names of a segment's images. */

import { FormatError } from '../bitstream/errors.mjs'
import { inflate } from '../compression/inflate.mjs'

const MOST = 1024
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$/i
const FORBIDDEN = /[\\:*?"<>|\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u
const bytes = (text) => new TextEncoder().encode(text).length

function isSafe(name) {
  const good = (part) => part && !/[. ]$|^ /.test(part) && !RESERVED.test(part) && !FORBIDDEN.test(part) && bytes(part) <= 240
  return bytes(name) <= MOST && name.split('/').every(good)
}

/** Returns the names in a section; a FormatError if it is not valid or a name is not safe. */
export function namesOf(section, count) {
  const raw = inflate(section, count * (MOST + 1), 'the names of a segment')
  let names
  try {
    names = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw).split('\0')
  } catch {
    throw new FormatError('the names of a segment are not valid')
  }
  if (names.length !== count) throw new FormatError('the names of a segment are not valid')
  const unsafe = names.find((name) => name && !isSafe(name))
  if (unsafe) throw new FormatError(`the name '${unsafe.slice(0, 100)}' is not safe: it could lead out of the output folder`)
  return names
}
