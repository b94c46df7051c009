/** Reads bits, low ones first, and the symbols of canonical prefix codes among them, as deflate and WebP have them. */

const ROOT = 9

/** Raised for data that no encoder writes. */
export class Broken extends Error {}

/** A cursor over the bits of bytes; a RangeError means that they end too early. */
export class BitReader {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data
    this.position = 0
    this.bits = 0
    this.held = 0
  }

  /** Makes sure that at least 16 bits are held; behind the end they are zeros. */
  fill() {
    while (this.held <= 16) {
      const byte = this.position < this.data.length ? this.data[this.position] : 0
      this.position++
      this.bits |= byte << this.held
      this.held += 8
    }
  }

  /** Removes bits that were looked at. */
  drop(count) {
    this.bits >>>= count
    this.held -= count
    if (this.position - (this.held >> 3) > this.data.length) throw new RangeError('the data are cut short')
  }

  /** Returns the next `count` bits as a number; at most 16. */
  take(count) {
    this.fill()
    const value = this.bits & ((1 << count) - 1)
    this.drop(count)
    return value
  }

  /** Returns how many bytes were begun. */
  get used() {
    return this.position - (this.held >> 3)
  }
}

/** A canonical prefix code of at most 15 bits. */
export class PrefixCode {
  /**
   * Builds the code.
   * @param {ArrayLike<number>} lengths The length of each symbol's code, 0 for symbols without one.
   * @param {(used: number, longest: number) => boolean} [incomplete] Tells whether a code may leave codes over.
   */
  constructor(lengths, incomplete = () => false) {
    this.counts = new Uint16Array(17)
    for (let i = 0; i < lengths.length; i++) this.counts[lengths[i]]++
    const used = lengths.length - this.counts[0]
    this.counts[0] = 0
    let left = 1
    let longest = 0
    for (let length = 1; length < 16; length++) {
      left = 2 * left - this.counts[length]
      if (left < 0) throw new Broken()
      if (this.counts[length]) longest = length
    }
    if (left > 0 && !incomplete(used, longest)) throw new Broken()
    this.sort(lengths, used)
    this.table = null
  }

  sort(lengths, used) {
    const starts = new Uint16Array(17)
    for (let length = 1; length < 16; length++) starts[length + 1] = starts[length] + this.counts[length]
    this.symbols = new Uint16Array(used)
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol]) this.symbols[starts[lengths[symbol]]++] = symbol
    }
  }

  /** Makes the table of the symbols of short codes: 16 times the symbol, plus the length. */
  tabulate() {
    this.table = new Uint32Array(1 << ROOT)
    for (let length = 1, code = 0, index = 0; length <= ROOT; length++, code <<= 1) {
      for (let i = 0; i < this.counts[length]; i++, code++, index++) {
        let turned = 0
        for (let bit = 0; bit < length; bit++) turned |= ((code >> bit) & 1) << (length - 1 - bit)
        for (; turned < 1 << ROOT; turned += 1 << length) this.table[turned] = 16 * this.symbols[index] + length
      }
    }
  }

  /** Returns the next symbol. */
  read(reader) {
    if (!this.table) this.tabulate()
    reader.fill()
    const found = this.table[reader.bits & ((1 << ROOT) - 1)]
    if (!found) return this.readLong(reader)
    reader.drop(found & 15)
    return found >> 4
  }

  readLong(reader) {
    let [code, first, index] = [0, 0, 0]
    for (let length = 1; length < 16; length++) {
      code |= (reader.bits >> (length - 1)) & 1
      const count = this.counts[length]
      if (code - count < first) {
        reader.drop(length)
        return this.symbols[index + code - first]
      }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    reader.drop(15)
    throw new Broken()
  }
}
