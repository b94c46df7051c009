/** The tiles of a strip, with the pixels and the predictors' errors so far, and the features that they give. */

const { ceil, floor, max, min } = Math
const HEIGHT = 64
const WIDTH = 256
/** How many fronts later the pixel below is coded. */
const LAG = 3
const ABOVE = 3
const BESIDE = 2
const LIMIT = 127
const START = [128, 0, 0]

/** Offsets (dy, dx) of neighbours, row by row. */
const NEAR = []
for (let dy = -ABOVE; dy <= 0; dy++) for (let dx = -BESIDE; dx <= (dy ? BESIDE : -1); dx++) NEAR.push([dy, dx])
/** Offsets at which the predictors' errors are features. */
const PAST = [[-2, 0], [-1, -1], [-1, 0], [-1, 1], [0, -2], [0, -1]]
/** Offsets at which the lossy image's first plane is a feature. */
const SHOWN = [[0, 0], [0, 1], [1, 0], [1, 1], [1, -1], [0, -1], [-1, 0]]
const COUNTS = [3, 6, 12]
/** For each of NEAR, the first of COUNTS that it is among the nearest of. */
const RINGS = ringsOf()
const LOGARITHMS = Int16Array.from({ length: 2 ** 14 }, (_, n) => {
  const e = 31 - Math.clz32(n + 1)
  return 64 * e + floor((64 * (n + 1 - 2 ** e)) / 2 ** e) - 256
})

function ringsOf() {
  const size = ([dy, dx]) => dy * dy + dx * dx
  const order = NEAR.map((_, i) => i).sort((a, b) => size(NEAR[a]) - size(NEAR[b]) || a - b)
  const rings = new Uint8Array(NEAR.length)
  order.forEach((i, rank) => (rings[i] = COUNTS.filter((count) => rank >= count).length))
  return rings
}

const limited = (difference) => (difference > LIMIT ? LIMIT : difference < -LIMIT ? -LIMIT : difference)

/** The number of features of the linear predictors, which come first. */
export const LINEAR = 3 * NEAR.length + SHOWN.length + 2 + 3
/** Returns the number of all features under some predictors of each plane. */
export const inputsOf = (predictors) => LINEAR + 3 * predictors * PAST.length + 3 * COUNTS.length + 3 * predictors

/** The tiles of a strip. */
export class Tiles {
  /**
   * Lays a strip out; nothing is known of its pixels.
   * @param {number} height
   * @param {number} width
   * @param {number} predictors
   * @param {Int16Array[]} shown The planes of the lossy image.
   */
  constructor(height, width, predictors, shown) {
    Object.assign(this, { height, width, predictors, shown })
    this.down = ceil(height / HEIGHT)
    this.across = ceil(width / WIDTH)
    this.rows = ceil(height / this.down)
    this.columns = ceil(width / this.across)
    this.count = this.down * this.across
    this.fronts = this.columns + LAG * (this.rows - 1)
    /** A pixel's record: its planes, then the errors of their predictors. */
    this.record = 3 + 3 * predictors
    this.line = (this.columns + 2 * BESIDE) * this.record
    this.size = (this.rows + ABOVE) * this.line
    this.records = new Int16Array(this.count * this.size)
    const near = NEAR.map(([dy, dx]) => dy * this.line + dx * this.record)
    this.near = Int32Array.from(near)
    this.past = Int32Array.from(PAST.map(([dy, dx]) => dy * this.line + dx * this.record + 3))
    this.sums = new Int32Array(3 * predictors)
    this.rings = new Int32Array(3 * (COUNTS.length + 1))
  }

  /** The most positions of a front. */
  get most() {
    return this.count * min(this.rows, ceil(this.columns / LAG))
  }

  /**
   * Writes the positions of a front, tile after tile, and returns how many there are.
   * @param {number} front
   * @param {{at: Int32Array, y: Int32Array, x: Int32Array, inside: Uint8Array}} places `at` is a pixel's record; y and x
   *   are in the strip, and `inside` tells whether they are in it.
   */
  place(front, places) {
    const first = max(0, ceil((front - this.columns + 1) / LAG))
    const last = min(this.rows - 1, floor(front / LAG))
    let n = 0
    for (let tile = 0; tile < this.count; tile++) {
      const top = floor(tile / this.across) * this.rows
      const left = (tile % this.across) * this.columns
      for (let row = first; row <= last; row++, n++) {
        const column = front - LAG * row
        places.at[n] = tile * this.size + (row + ABOVE) * this.line + (column + BESIDE) * this.record
        places.row[n] = row
        places.column[n] = column
        places.y[n] = top + row
        places.x[n] = left + column
        places.inside[n] = top + row < this.height && left + column < this.width ? 1 : 0
      }
    }
    return n
  }

  /** Writes the base of a position's planes. */
  base(at, row, column, bases, to) {
    const { records, record, line } = this
    for (let p = 0; p < 3; p++) {
      const above = records[at - line + p]
      const left = records[at - record + p]
      bases[to + p] = row && column ? (above + left + 1) >> 1 : row ? above : column ? left : START[p]
    }
  }

  /**
   * Writes the features of a position.
   * @param {{at: Int32Array, row: Int32Array, column: Int32Array, y: Int32Array, x: Int32Array}} places
   * @param {number} i Which one.
   * @param {Int16Array} bases Of all positions, three each; they are set.
   * @param {Int16Array} out
   * @param {number} to
   */
  features(places, i, bases, out, to) {
    const { records, near, rings } = this
    const at = places.at[i]
    const row = places.row[i]
    const column = places.column[i]
    this.base(at, row, column, bases, 3 * i)
    const whole = row >= ABOVE && column >= BESIDE && column < this.columns - BESIDE
    rings.fill(0)
    for (let k = 0, o = to; k < near.length; k++, o += 3) {
      const inside = whole || this.has(row, column, NEAR[k])
      for (let p = 0, from = at + near[k], ring = 3 * RINGS[k]; p < 3; p++, from++, ring++) {
        const difference = inside ? limited(records[from] - bases[3 * i + p]) : 0
        out[o + p] = 16 * difference
        rings[ring] += difference < 0 ? -difference : difference
      }
    }
    const busy = to + LINEAR + 3 * this.predictors * PAST.length
    for (let p = 0; p < 3; p++) {
      for (let k = 0, sum = 0; k < COUNTS.length; k++) {
        sum += rings[3 * k + p]
        out[busy + COUNTS.length * p + k] = LOGARITHMS[sum]
      }
    }
    this.seen(places.y[i], places.x[i], bases, 3 * i, out, to + 3 * near.length)
    this.errors(at, out, to + LINEAR, busy + 3 * COUNTS.length)
  }

  has(row, column, [dy, dx]) {
    return row + dy >= 0 && column + dx >= 0 && column + dx < this.columns
  }

  /** Writes what the lossy image and the bases say. */
  seen(y, x, bases, base, out, to) {
    const { shown, width } = this
    const bottom = this.height - 1
    const right = width - 1
    const [own, across] = [min(y, bottom), min(x, right)]
    for (let k = 0; k < SHOWN.length; k++, to++) {
      const row = max(0, min(bottom, own + SHOWN[k][0]))
      const column = max(0, min(right, across + SHOWN[k][1]))
      out[to] = 16 * limited(shown[0][row * width + column] - bases[base])
    }
    const place = own * width + across
    for (let p = 1; p < 3; p++, to++) out[to] = 16 * limited(shown[p][place] - bases[base + p])
    for (let p = 0; p < 3; p++, to++) out[to] = 16 * limited(bases[base + p] - START[p])
  }

  /** Writes the errors of the predictors nearby, and their sums' logarithms. */
  errors(at, out, to, logarithms) {
    const { records, past, sums } = this
    sums.fill(0)
    for (let k = 0; k < past.length; k++) {
      for (let j = 0, from = at + past[k]; j < sums.length; j++, from++, to++) {
        const error = records[from]
        out[to] = error
        sums[j] += error < 0 ? -error : error
      }
    }
    for (let j = 0; j < sums.length; j++) out[logarithms + j] = LOGARITHMS[sums[j] >> 2]
  }

  /** Keeps a plane's value at a position, and the errors of its predictors. */
  put(at, plane, value, base, predicted, from) {
    const { records, predictors: J } = this
    records[at + plane] = value
    for (let j = 0, to = at + 3 + J * plane; j < J; j++, to++) {
      const error = 16 * (value - base) - predicted[from + j]
      records[to] = error > 2032 ? 2032 : error < -2032 ? -2032 : error
    }
  }
}
