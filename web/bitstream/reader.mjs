/** Reads the small numbers of a header: bytes, fixed fields and LEB128 varints, always within bounds. */

import { FormatError, TruncatedFile } from './errors.mjs'

/** A cursor over bytes from an untrusted file; reading past the end throws TruncatedFile. */
export class Reader {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data
    this.position = 0
  }

  /** Returns the next `count` bytes. */
  take(count) {
    const end = this.position + count
    if (end > this.data.length) throw new TruncatedFile(0, null)
    const taken = this.data.subarray(this.position, end)
    this.position = end
    return taken
  }

  /** Returns a little-endian unsigned number of `size` bytes, at most 6. */
  number(size) {
    return this.take(size).reduceRight((value, byte) => value * 256 + byte, 0)
  }

  /** Returns a varint; one above `limit`, or written with needless bytes, is a FormatError that names `what`. */
  varint(what, limit) {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) throw new FormatError(`the header is not valid: ${what} has too many bytes`)
      const byte = this.number(1)
      value += (byte & 0x7f) * 2 ** shift
      if (value > limit) throw new FormatError(`the header is not valid: ${what} exceeds ${limit}`)
      if (byte >= 0x80) continue
      if (byte === 0 && shift) throw new FormatError(`the header is not valid: ${what} has needless bytes`)
      return value
    }
  }

  /** Returns the lowest `count` bits of a varint; one that has others is a FormatError that names `what`. */
  bits(what, count) {
    const found = []
    for (let byte = 0x80; byte >= 0x80; ) {
      if (found.length > 63) throw new FormatError(`the header is not valid: ${what} has too many bytes`)
      byte = this.number(1)
      if (byte === 0 && found.length) throw new FormatError(`the header is not valid: ${what} has needless bytes`)
      for (let i = 0; i < 7; i++) found.push((byte >> i) & 1)
    }
    if (found.indexOf(1, count) >= 0) throw new FormatError(`the header is not valid: ${what} exceeds ${2n ** BigInt(count) - 1n}`)
    return found.slice(0, count)
  }
}

/** Returns bytes as hexadecimal digits. */
export function hexadecimal(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
