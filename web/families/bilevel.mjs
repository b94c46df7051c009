/** Black and white pixels of small images, each given those before it and features of its place. */

import { Tables } from '../entropy/rans.mjs'
import { orderOf } from '../entropy/residuals.mjs'
import { denseMap } from '../kernels/dense.mjs'
import { weightsOfTwo } from '../pixels/two_symbols.mjs'
import { Places } from './places.mjs'

/** The largest log-odds of white, in steps of 2^-5 bits. */
const FAR = 14 * 32

/** The likelihood of black and white pixels. */
export class BilevelPixels {
  /** Takes the tensors below `likelihood`. */
  constructor(machine, tensors, { image, reach, pixel_features: features }) {
    Object.assign(this, { machine, side: image, reach, features })
    this.tables = new Tables(Array.from({ length: 2 * FAR + 1 }, (_, i) => weightsOfTwo((i - FAR) / 32)).flat(), 2)
    this.first = denseMap(machine, tensors.below('net.first'))
    this.rest = []
    while (tensors.has(`net.rest.${this.rest.length}`)) this.rest.push(denseMap(machine, tensors.below(`net.rest.${this.rest.length}`)))
    this.last = denseMap(machine, tensors.below('net.last'), () => 5)
  }

  /** Returns the source that takes each pixel's likelier value. */
  get likeliest() {
    return { values: (contexts) => contexts.map((context) => Number(context > FAR)) }
  }

  /** Returns the source that reads pixels. */
  reading(decoder) {
    return {
      values: (contexts) => {
        const order = orderOf(contexts, this.tables.rows)
        const found = decoder.decode(this.tables, Uint16Array.from(order, (i) => contexts[i]))
        const values = new Uint16Array(found.length)
        for (let i = 0; i < found.length; i++) values[order[i]] = found[i]
        return values
      },
    }
  }

  /**
   * Returns the samples of images, 0 and 255, one image after the other.
   * @param {Int16Array[]} features Those of each image, by position, in steps of 2^-4.
   * @param {{values: (contexts: Uint16Array) => ArrayLike<number>}} source Decides the pixels, 1 if white.
   */
  samples(features, source) {
    const places = new Places(features.length, this.side, this.reach)
    const planes = new Int8Array(features.length * places.size)
    const out = new Uint8Array(features.length * this.side ** 2)
    this.machine.scoped(() => {
      const work = this.workspace(places.most)
      for (let front = 0; front < places.fronts; front++) {
        const pixels = places.of(front)
        const values = source.values(this.contexts(pixels, places, planes, features, work))
        pixels.forEach(({ image, y, x, at }, i) => {
          planes[at] = values[i] ? 1 : -1
          out[(image * this.side + y) * this.side + x] = values[i] ? 255 : 0
        })
      }
    })
    return out
  }

  workspace(most) {
    const { machine, first, last } = this
    return {
      inputs: machine.zeros(most * first.inputs),
      hidden: [0, 1].map(() => machine.zeros(most * first.padded)),
      out: machine.reserve(4 * most * last.padded),
    }
  }

  contexts(pixels, { steps }, planes, features, { inputs, hidden, out }) {
    const { machine, first, rest, last } = this
    const placed = machine.shorts(inputs, pixels.length * first.inputs)
    pixels.forEach(({ image, y, x, at }, i) => {
      let to = i * first.inputs
      for (let k = 0; k < steps.length; k++, to++) placed[to] = 16 * planes[at + steps[k]]
      const from = (y * this.side + x) * this.features
      for (let c = 0; c < this.features; c++, to++) placed[to] = features[image][from + c]
    })
    first.run('byte', inputs, pixels.length, hidden[0], 2 * first.inputs)
    rest.forEach((map, j) => map.run('byte', hidden[j % 2], pixels.length, hidden[(j + 1) % 2], 2 * first.padded))
    last.run('rounded', hidden[rest.length % 2], pixels.length, out, 2 * first.padded)
    const found = machine.integers(out, pixels.length * last.padded)
    return Uint16Array.from(pixels, (_, i) => Math.max(-FAR, Math.min(FAR, found[i * last.padded])) + FAR)
  }
}
