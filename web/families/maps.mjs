/** The linear maps of models of small images, exact up to the outputs, which are floats of 32 bits. */

import { DvcodecError } from '../bitstream/errors.mjs'
import { LinearMap } from '../kernels/linear_map.mjs'

/** The largest magnitude of an input, in steps of 2^-4. */
const LARGEST_INPUT = 128

/** A map of patches: `taps` positions of `inputs` channels to `cells` positions; a 3x3 convolution has nine taps. */
export class FamilyMap {
  /**
   * Takes the tensors `weight`, `shift` and `bias`.
   * @param {import('../kernels/machine.mjs').Machine} machine
   * @param {import('../weights/safetensors.mjs').Tensors} tensors
   * @param {number} inputs
   * @param {{taps?: number, cells?: number, square?: boolean}} [patches] Whether the map is `square`, a convolution of
   *   3x3 or of single positions; patches are whole numbers of their own otherwise.
   */
  constructor(machine, tensors, inputs, { taps = 1, cells = 1, square = false } = {}) {
    const [rows, columns] = tensors.shape('weight')
    const weight = tensors.take('weight', [rows, columns])
    this.machine = machine
    this.inputs = square ? inputs : inputs * taps
    this.outputs = rows
    this.wide = square && columns === 9 * inputs
    if (columns !== (this.wide ? 9 * inputs : this.inputs)) throw new DvcodecError('the weights of a map are of another size')
    // A file orders patches by channel, then by position; here it is by position.
    const row = (r) => (r % (rows / cells)) * cells + Math.floor(r / (rows / cells))
    const column = (c) => (this.wide ? c : (c % inputs) * taps + Math.floor(c / inputs))
    const ordered = Int32Array.from(weight, (_, at) => weight[row(Math.floor(at / columns)) * columns + column(at % columns)])
    const [shift, bias] = ['shift', 'bias'].map((name) => tensors.take(name, [rows]))
    this.scales = Float64Array.from(shift, (_, r) => 2 ** (4 - shift[row(r)]))
    const own = bias.map((_, r) => bias[row(r)])
    refuseLarge(ordered, own, columns)
    this.map = new LinearMap(machine, this.inputs, ordered, own, new Float32Array(rows))
  }

  /**
   * Returns the outputs of patches, one after the other, in steps of 2^-8.
   * @param {Int16Array} x
   */
  rows(x) {
    const { machine, map, inputs } = this
    const count = x.length / inputs
    return machine.scoped(() => {
      const from = machine.zeros(count * map.channels)
      const to = machine.reserve(count * map.size('sums'))
      const placed = machine.shorts(from, count * map.channels)
      for (let i = 0; i < count; i++) placed.set(x.subarray(i * inputs, (i + 1) * inputs), i * map.channels)
      map.run('sums', [from], count, to)
      return this.scaled(machine.integers(to, count * map.padded), count)
    })
  }

  /**
   * Returns the outputs of all positions of a square, in steps of 2^-8.
   * @param {Int16Array} x
   * @param {number} side
   */
  square(x, side) {
    if (!this.wide) return this.rows(x)
    const { machine, map, inputs } = this
    return machine.scoped(() => {
      const line = (side + 2) * map.channels
      const from = machine.zeros((side + 2) * line)
      const to = machine.reserve(side * side * map.size('sums'))
      const placed = machine.shorts(from, (side + 2) * line)
      for (let y = 0, at = 0; y < side; y++) {
        for (let i = 0, place = (y + 1) * line + map.channels; i < side; i++, at += inputs, place += map.channels) {
          for (let c = 0; c < inputs; c++) placed[place + c] = x[at + c]
        }
      }
      for (let y = 0; y < side; y++) {
        const rows = [y, y + 1, y + 2].map((row) => from + 2 * row * line)
        map.run('sums', rows, side, to + y * side * map.size('sums'))
      }
      return this.scaled(machine.integers(to, side * side * map.padded), side * side)
    })
  }

  scaled(sums, count) {
    const { outputs, scales, map } = this
    const out = new Float32Array(count * outputs)
    for (let i = 0, to = 0; i < count; i++) {
      for (let o = 0, at = i * map.padded; o < outputs; o++, at++, to++) out[to] = sums[at] * scales[o]
    }
    return out
  }
}

function refuseLarge(weight, bias, columns) {
  bias.forEach((own, row) => {
    let sum = Math.abs(own)
    for (let at = row * columns; at < (row + 1) * columns; at++) sum += LARGEST_INPUT * Math.abs(weight[at])
    if (sum >= 2 ** 31) throw new DvcodecError('this decoder does not run the weights: sums of its maps are too large')
  })
}
