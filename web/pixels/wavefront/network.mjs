/** The network of lossless pixels: linear predictors, two hidden layers, and a head for each plane, in the kernels. */

import { DvcodecError } from '../../bitstream/errors.mjs'
import { DenseMap } from '../../kernels/dense.mjs'

const { floor, min } = Math
/** The most positions that are computed at once; their numbers stay in a processor's cache. */
const BATCH = 256
const HIDDEN_LIMIT = 2047
const PART = 512 * 256
const PREDICTION = 255 * 16
const MIX = 2 * 64

/** Returns the digits by which sums are shifted to steps of 2^-to; at least one, so that halves are whole. */
function dropped(shifts, to) {
  const found = Int32Array.from(shifts, (shift) => shift + 4 - to)
  if (found.some((digits) => digits < 1)) throw new DvcodecError('the weights of a map are too large to be rounded exactly')
  return found
}

/** Rounds half up after a division by a power of two. */
function rounded(sum, digits, limit) {
  const found = (sum + (1 << (digits - 1))) >> digits
  return found > limit ? limit : found < -limit ? -limit : found
}

const clamped = (x, limit) => (x > limit ? limit : x < -limit ? -limit : x)

/** Returns rows of a matrix, of some of its columns. */
function columns(values, inputs, first, last) {
  const rows = values.length / inputs
  return Int32Array.from({ length: rows * (last - first) }, (_, i) => {
    const row = floor(i / (last - first))
    return values[row * inputs + first + (i % (last - first))]
  })
}

/** A map's tensors, divided into the columns of the inputs that all planes share and those of the planes before. */
class Parts {
  constructor(tensors, shared, to) {
    const [outputs, inputs] = tensors.shape('weight')
    const weight = tensors.take('weight')
    this.outputs = outputs
    this.before = inputs - shared
    this.shared = columns(weight, inputs, 0, shared)
    this.own = columns(weight, inputs, shared, inputs)
    this.bias = tensors.take('bias', [outputs])
    this.digits = dropped(tensors.take('shift', [outputs]), to)
  }
}

const joined = (arrays) => Int32Array.from(arrays.flatMap((array) => [...array]))

/** The network of a weights file, with the numbers of the positions that it computes last. */
export class PixelNetwork {
  /**
   * Takes the tensors.
   * @param {import('../../kernels/machine.mjs').Machine} machine
   * @param {{hidden: number, width: number, predictors: number}} config
   * @param {import('../../weights/safetensors.mjs').Tensors} tensors
   * @param {number} linear Inputs of the predictors, the first features.
   * @param {number} inputs All features.
   */
  constructor(machine, { hidden, width, predictors }, tensors, linear, inputs) {
    Object.assign(this, { machine, hidden, width, predictors, linear, inputs })
    this.predict = new Parts(tensors.below('predict'), linear, 4)
    this.skips = [0, 1, 2].map((p) => new Parts(tensors.below(`heads.${p}.skip`), linear, 8))
    this.mixes = [0, 1, 2].map((p) => new Parts(tensors.below(`heads.${p}.mix`), hidden, 4))
    const straight = [this.predict, ...this.skips]
    this.straight = new DenseMap(machine, linear, joined(straight.map((one) => one.shared)), joined(straight.map((one) => one.bias)))
    this.mix = new DenseMap(machine, hidden, joined(this.mixes.map((one) => one.shared)), joined(this.mixes.map((one) => one.bias)))
    this.trunk = this.whole(tensors.below('trunk'), inputs, () => 4)
    this.deep = this.whole(tensors.below('deep'), hidden, () => 4)
    const steps = (output) => [8, 0, -2][output] ?? 6
    this.outs = [0, 1, 2].map((p) => this.whole(tensors.below(`heads.${p}.out`), width, steps))
  }

  whole(tensors, inputs, to) {
    const [outputs] = tensors.shape('weight')
    const scales = Float32Array.from(tensors.take('shift', [outputs]), (shift, o) => 2 ** -dropped([shift], to(o))[0])
    return new DenseMap(this.machine, inputs, tensors.take('weight', [outputs, inputs]), tensors.take('bias', [outputs]), scales)
  }

  /** Reserves memory for some positions; call it inside `machine.scoped`. */
  reserve(count) {
    const { machine } = this
    this.step = this.trunk.inputs // numbers of 16 bits from position to position
    const at = {
      features: machine.zeros(count * this.step),
      straight: machine.reserve(4 * count * this.straight.padded),
      first: machine.zeros(BATCH * this.trunk.padded),
      second: machine.zeros(BATCH * this.deep.padded),
      mix: machine.reserve(4 * count * this.mix.padded),
      inner: machine.zeros(count * this.outs[0].inputs),
      out: machine.reserve(4 * count * this.outs[0].padded),
    }
    this.at = at
    this.features = machine.shorts(at.features, count * this.step)
    this.sums = machine.integers(at.straight, count * this.straight.padded)
    this.mixed = machine.integers(at.mix, count * this.mix.padded)
    this.inner = machine.shorts(at.inner, count * this.outs[0].inputs)
    this.out = machine.integers(at.out, count * this.outs[0].padded)
    this.predicted = new Int16Array(count * 3 * this.predictors)
  }

  /** Runs what all planes share on the features of the first `count` positions. */
  enter(count) {
    const { at, step, straight, trunk, deep, mix } = this
    for (let first = 0; first < count; first += BATCH) {
      const some = min(BATCH, count - first)
      const features = at.features + 2 * first * step
      straight.run('sums', features, some, at.straight + 4 * first * straight.padded, 2 * step)
      trunk.run('positive', features, some, at.first, 2 * step)
      deep.run('positive', at.first, some, at.second, 2 * trunk.padded)
      mix.run('sums', at.second, some, at.mix + 4 * first * mix.padded, 2 * deep.padded)
    }
    this.predictAll(count)
  }

  predictAll(count) {
    const { predict, predicted, sums, straight } = this
    const { outputs, digits } = predict
    for (let i = 0, at = 0, to = 0; i < count; i++, at += straight.padded) {
      for (let j = 0; j < outputs; j++, to++) predicted[to] = rounded(sums[at + j], digits[j], PREDICTION)
    }
  }

  /**
   * Computes a plane's means and the indices of its scale and tail.
   * @param {number} plane
   * @param {number} count
   * @param {Int16Array[]} before Residuals of the planes before, in steps of 2^-4.
   * @param {Int32Array} means In steps of 2^-3 above the base.
   * @param {Int32Array} kinds
   */
  plane(plane, count, before, means, kinds) {
    this.enterHead(plane, count, before)
    const { at, outs, out, predictors: J, predict, straight, sums, predicted } = this
    const map = outs[plane]
    const skip = this.skips[plane]
    map.run('rounded', at.inner, count, at.out, 2 * map.inputs)
    for (let i = 0, from = 0; i < count; i++, from += map.padded) {
      let mixed = 0
      for (let j = 0, l = 3 * J * i + J * plane; j < J; j++, l++) mixed += clamped(out[from + 3 + j], MIX) * predicted[l]
      let straightSum = sums[i * straight.padded + predict.outputs + plane]
      for (let b = 0; b < before.length; b++) straightSum += skip.own[b] * before[b][i]
      const own = clamped(out[from], PART) + rounded(straightSum, skip.digits[0], PART)
      means[i] = (own + clamped((mixed + 2) >> 2, PART) + 16) >> 5
      kinds[i] = 5 * (clamped(out[from + 1], 20) + 20) + clamped(out[from + 2], 2) + 2
    }
  }

  enterHead(plane, count, before) {
    const { width, inner, mixed, mix, outs } = this
    const { own, digits } = this.mixes[plane]
    const planes = before.length
    const [first, second] = before
    for (let i = 0; i < count; i++) {
      const from = i * mix.padded + plane * width
      const to = i * outs[plane].inputs
      for (let o = 0; o < width; o++) {
        let sum = mixed[from + o] + (1 << (digits[o] - 1))
        if (planes) sum += own[o * planes] * first[i]
        if (planes > 1) sum += own[o * planes + 1] * second[i]
        const found = sum >> digits[o]
        inner[to + o] = found < 0 ? 0 : found > HIDDEN_LIMIT ? HIDDEN_LIMIT : found
      }
    }
  }
}
