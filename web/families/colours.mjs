/** Pixels of red, green and blue of small images, plane after plane, each given those before it and features of its place. */

import { Tables } from '../entropy/rans.mjs'
import { residualsOf } from '../entropy/residuals.mjs'
import { denseMap } from '../kernels/dense.mjs'
import { within } from '../kernels/states.mjs'
import { GREATEST, LEAST, writeColours } from '../pixels/colours.mjs'
import { stepsOf } from '../pixels/wavefront/model.mjs'
import { ALPHABET } from '../pixels/wavefront/source.mjs'
import { Places } from './places.mjs'

const { max, min } = Math
const START = [128, 0, 0]
const CONTEXTS = 1640
/** The bounds of the parts of a mean, in steps of 2^-8. */
const PART = 1024 * 256
const LIMIT = 127

/** The likelihood of colour pixels. */
export class ColourPixels {
  /** Takes the tensors below `likelihood`. */
  constructor(machine, tensors, { image, reach, pixel_features: features, pixel_width: hidden }) {
    Object.assign(this, { machine, side: image, reach, features, hidden })
    this.tables = new Tables(tensors.take('tables', [CONTEXTS, ALPHABET.size]), ALPHABET.size)
    const map = (name, to) => denseMap(machine, tensors.below(`net.${name}`), to)
    this.trunk = map('trunk')
    this.heads = [0, 1, 2].map((p) => ({
      mix: map(`heads.${p}.mix`),
      out: map(`heads.${p}.out`, (o) => [8, 0, -2][o]),
      skip: map(`heads.${p}.skip`, () => 8),
    }))
  }

  /** Returns the source that takes each pixel's rounded mean. */
  get likeliest() {
    return { values: (contexts) => new Int32Array(contexts.length) }
  }

  /** Returns the source that reads residuals. */
  reading(decoder) {
    return { values: (contexts) => residualsOf(decoder, ALPHABET, this.tables, contexts) }
  }

  /**
   * Returns the samples of images, one image after the other.
   * @param {Int16Array[]} features Those of each image, by position, in steps of 2^-4.
   * @param {{values: (contexts: Uint16Array) => ArrayLike<number>}} source Decides the residuals.
   */
  samples(features, source) {
    const { machine, side } = this
    const places = new Places(features.length, side, this.reach)
    const planes = [0, 1, 2].map(() => new Int16Array(features.length * places.size))
    machine.scoped(() => {
      const work = this.workspace(places.most)
      for (let front = 0; front < places.fronts; front++) {
        const pixels = places.of(front)
        if (pixels.length) this.front(pixels, places, planes, features, work, source)
      }
    })
    const out = new Uint8Array(3 * features.length * side ** 2)
    const colours = [0, 0, 0]
    for (let front = 0; front < places.fronts; front++) {
      for (const { image, y, x, at } of places.of(front)) {
        writeColours(planes[0][at], planes[1][at], planes[2][at], 0, colours, 0)
        for (let c = 0; c < 3; c++) out[3 * ((image * side + y) * side + x) + c] = max(0, min(255, colours[c]))
      }
    }
    return out
  }

  workspace(most) {
    const { machine, trunk, heads } = this
    const width = heads[2].mix.inputs // the hidden values, then residuals of the planes before
    const inputs = heads[2].skip.inputs // the features, then such residuals
    return {
      width,
      inputs,
      features: machine.zeros(most * inputs),
      hidden: machine.zeros(most * width),
      trunk: machine.zeros(most * trunk.padded),
      mixed: machine.zeros(most * heads[0].mix.padded),
      out: machine.reserve(4 * most * heads[0].out.padded),
      skip: machine.reserve(4 * most * heads[0].skip.padded),
    }
  }

  front(pixels, places, planes, features, work, source) {
    const { machine, trunk } = this
    const count = pixels.length
    const seen = machine.shorts(work.features, count * work.inputs)
    const bases = pixels.map((pixel, i) => this.enter(pixel, places, planes, features, seen.subarray(i * work.inputs)))
    trunk.run('positive', work.features, count, work.trunk, 2 * work.inputs)
    const [found, hidden] = [machine.shorts(work.trunk, count * trunk.padded), machine.shorts(work.hidden, count * work.width)]
    for (let i = 0; i < count; i++) {
      hidden.fill(0, i * work.width, (i + 1) * work.width)
      hidden.set(found.subarray(i * trunk.padded, i * trunk.padded + this.hidden), i * work.width)
    }
    for (let plane = 0; plane < 3; plane++) {
      const { contexts, middles } = this.plane(plane, bases, work)
      const residuals = source.values(contexts)
      pixels.forEach(({ at }, i) => {
        planes[plane][at] = max(LEAST[plane], min(GREATEST, middles[i] + residuals[i]))
        const before = 16 * within(residuals[i], LIMIT)
        hidden[i * work.width + this.hidden + plane] = before
        seen[i * work.inputs + this.seen + plane] = before
      })
    }
  }

  /** Writes the inputs of a pixel, and returns the bases of its planes. */
  enter(pixel, places, planes, features, out) {
    const { offsets, steps, width } = places
    const { image, y, x, at } = pixel
    const base = planes.map((plane, p) => {
      const [above, left] = [plane[at - width], plane[at - 1]]
      return y && x ? (above + left + 1) >> 1 : y ? above : x ? left : START[p]
    })
    let to = 0
    for (let p = 0; p < 3; p++) {
      for (let k = 0; k < steps.length; k++, to++) {
        out[to] = places.has(pixel, offsets[k]) ? 16 * within(planes[p][at + steps[k]] - base[p], LIMIT) : 0
      }
    }
    for (let p = 0; p < 3; p++, to++) out[to] = 16 * within(base[p] - START[p], LIMIT)
    const from = (y * this.side + x) * this.features
    for (let c = 0; c < this.features; c++, to++) out[to] = 16 * features[image][from + c]
    this.seen = to
    for (let p = 0; p < 3; p++) out[to + p] = 0
    return base
  }

  /** Returns the contexts and the rounded means of a plane. */
  plane(plane, bases, work) {
    const { machine } = this
    const { mix, out, skip } = this.heads[plane]
    const count = bases.length
    mix.run('positive', work.hidden, count, work.mixed, 2 * work.width)
    out.run('rounded', work.mixed, count, work.out, 2 * mix.padded)
    skip.run('rounded', work.features, count, work.skip, 2 * work.inputs)
    const outs = machine.integers(work.out, count * out.padded)
    const straight = machine.integers(work.skip, count * skip.padded)
    const contexts = new Uint16Array(count)
    const middles = new Int32Array(count)
    for (let i = 0, at = 0; i < count; i++, at += out.padded) {
      const mean = (within(outs[at], PART) + within(straight[i * skip.padded], PART) + 16) >> 5
      const steps = stepsOf(mean, bases[i][plane], plane)
      const kind = 5 * (within(outs[at + 1], 20) + 20) + within(outs[at + 2], 2) + 2
      middles[i] = (steps + 4) >> 3
      contexts[i] = 8 * kind + steps - 8 * middles[i] + 4
    }
    return { contexts, middles }
  }
}
