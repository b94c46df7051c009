/** Predicts samples of more than 8 bits from those before them: several predictions, blended by their errors nearby. */

const { abs, floor, max, min } = Math

/** Neighbours in the same plane that linear predictions see besides the one to the left, as rows and columns. */
export const OWN = [
  [-1, 0],
  [-1, -1],
  [-1, 1],
  [0, -2],
  [-2, 0],
  [-2, 1],
  [-2, -1],
  [-2, 2],
  [-1, -2],
]
/** Neighbours in each plane before. */
export const OTHER = [
  [0, 0],
  [-1, 0],
  [-1, -1],
  [-1, 1],
]
const ERRORS = [
  [0, -1],
  [-1, 0],
  [-1, 1],
  [-1, -1],
  [0, -2],
  [-2, 0],
]
/** Contexts of a plane. */
export const CONTEXTS = 40

/** The samples of a plane so far and their errors, each with two rows above and two columns on either side. */
export class Plane {
  /** Takes the limits of the samples and the coefficients of the two linear predictions. */
  constructor({ low, high, coefficients }, before, height, width) {
    Object.assign(this, { low, high, coefficients, before, height, width })
    this.step = width + 4
    this.samples = new Int32Array((height + 2) * this.step).fill(floor((low + high) / 2))
    this.count = before.length ? 10 : 7
    this.errors = Array.from({ length: this.count }, () => new Int32Array(this.samples.length))
    this.blendErrors = new Int32Array(this.samples.length)
    this.made = new Float64Array(this.count)
    this.offsets = (places) => places.map(([dy, dx]) => dy * this.step + dx)
    this.own = this.offsets(OWN)
    this.other = this.offsets(OTHER)
    this.near = this.offsets(ERRORS)
  }

  /** Returns where a pixel is. */
  place(y, x) {
    return (y + 2) * this.step + x + 2
  }

  /** Makes the predictions of a pixel and returns their blend; `surprise` is the error of the plane before. */
  predict(at, surprise) {
    const { samples: s, made, step } = this
    const [w, n, nw, ne] = [s[at - 1], s[at - step], s[at - step - 1], s[at - step + 1]]
    const median = max(min(w, n), min(max(w, n), w + n - nw))
    const slope = floor((2 * (w + n) + ne - nw) / 4)
    const mean = floor((w + n + ne + nw + 2) / 4)
    made.set([median, w + ne - n, slope, mean, 2 * n - s[at - 2 * step]])
    if (this.before.length) made.set([median + surprise, slope + surprise, mean + surprise], 5)
    this.linear(at, w)
    for (let i = 0; i < this.count; i++) made[i] = max(this.low, min(this.high, made[i]))
    return this.blend(at)
  }

  linear(at, w) {
    const { samples, coefficients, made, count } = this
    const features = this.own.map((offset) => samples[at + offset] - w)
    for (const { samples: other } of this.before) {
      for (const offset of this.other) features.push(other[at + offset] - other[at - 1])
    }
    for (let k = 0; k < 2; k++) {
      const sum = features.reduce((total, feature, i) => total + feature * coefficients[k * features.length + i], 0)
      made[count - 2 + k] = w + floor((sum + 2048) / 4096)
    }
  }

  blend(at) {
    const { made, errors, near } = this
    const sums = errors.map((error) => near.reduce((sum, offset) => sum + error[at + offset], 1))
    const least = min(...sums)
    let [total, weighted] = [0, 0]
    for (let i = 0; i < sums.length; i++) {
      const weight = floor((256 * least) / sums[i]) ** 2
      total += weight
      weighted += weight * made[i]
    }
    return floor((weighted + floor(total / 2)) / total)
  }

  /** Returns the context of a pixel. */
  context(at, surprise) {
    const { blendErrors, near, step } = this
    let activity = near.reduce((sum, offset) => sum + blendErrors[at + offset], blendErrors[at - 1] + blendErrors[at - step])
    if (this.before.length) activity = floor((activity * 5) / 8) + 2 * abs(surprise)
    const octave = 31 - Math.clz32(activity + 1)
    return 2 * octave + (((2 * (activity + 1)) >> octave) & 1)
  }

  /** Keeps a pixel's sample and errors, and what is outside beside it. */
  keep(y, x, at, sample, error) {
    const { samples, step, width } = this
    samples[at] = sample
    this.blendErrors[at] = abs(error)
    for (let i = 0; i < this.count; i++) this.errors[i][at] = abs(sample - this.made[i])
    if (y === 0 && x < width) {
      if (x + 4 < step) samples[step + x + 4] = sample
      if (x + 6 < step) samples[x + 6] = sample
    }
    if (x === 0 && y + 1 < this.height) samples.fill(sample, at - 2 + step, at + step)
    if (x === width - 1) samples.fill(sample, at + 1, at + 3)
  }
}
