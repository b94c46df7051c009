/** The networks of models of small images: residual blocks, and maps of twice or half the side. */

import { elu, gated, signed, stream } from './arithmetic.mjs'
import { FamilyMap } from './maps.mjs'

/** Returns the sides that have to be halved, rounded up, to come from a finer one to a coarser one. */
export function halvings(fine, coarse) {
  const found = []
  for (; fine > coarse; fine = Math.ceil(fine / 2)) found.push(fine)
  return found
}

/** A residual block, of which the second map may be gated. */
class Block {
  constructor(machine, tensors, { width, block }) {
    ;[this.first, this.second] = ['first', 'second'].map((name) => new FamilyMap(machine, tensors.below(name), width, { square: true }))
    this.gated = block === 'gated'
    this.width = width
  }

  run(d, side) {
    const added = this.second.square(elu(this.first.square(elu(d), side)), side)
    const { width } = this
    const out = new Int16Array(d.length)
    if (!this.gated) for (let i = 0; i < out.length; i++) out[i] = stream(Math.fround(added[i] + d[i]))
    else {
      for (let i = 0, at = 0; i < out.length; at += width) {
        for (let c = 0; c < width; c++, i++, at++) out[i] = stream(Math.fround(gated(added[at], added[at + width]) + d[i]))
      }
    }
    return out
  }
}

/** Halves a side, rounded up. */
class Down {
  constructor(machine, tensors, { width }) {
    this.patch = new FamilyMap(machine, tensors.below('patch'), width, { taps: 4 })
    this.width = width
  }

  run(x, side) {
    const { width } = this
    const half = Math.ceil(side / 2)
    const patches = new Int16Array(half * half * 4 * width)
    for (let y = 0, at = 0; y < side; y++) {
      for (let i = 0; i < side; i++) {
        const to = (((y >> 1) * half + (i >> 1)) * 4 + 2 * (y & 1) + (i & 1)) * width
        for (let c = 0; c < width; c++, at++) patches[to + c] = stream(x[at])
      }
    }
    const mapped = this.patch.rows(patches.map(signed))
    return Int16Array.from(mapped, (value, at) => {
      const from = Math.floor(at / width) * 4 * width + (at % width)
      const sum = patches[from] + patches[from + width] + patches[from + 2 * width] + patches[from + 3 * width]
      return stream(Math.fround(value + sum / 4))
    })
  }
}

/** Doubles a side, and crops it. */
class Up {
  constructor(machine, tensors, { width }, next) {
    this.patch = new FamilyMap(machine, tensors.below('patch'), width, { cells: 4 })
    this.width = width
    this.next = next
  }

  run(d, side) {
    const { width, next } = this
    const patches = this.patch.rows(elu(d))
    const out = new Int16Array(next * next * width)
    for (let y = 0, to = 0; y < next; y++) {
      for (let x = 0; x < next; x++) {
        const place = (y >> 1) * side + (x >> 1)
        const from = (4 * place + 2 * (y & 1) + (x & 1)) * width
        for (let c = 0; c < width; c++, to++) out[to] = stream(Math.fround(patches[from + c] + d[place * width + c]))
      }
    }
    return out
  }
}

/** Parts one after the other. */
class Sequence {
  constructor(parts) {
    this.parts = parts
  }

  /** Returns the values after all parts, and their side. */
  run(values, side) {
    for (const part of this.parts) {
      values = part.run(values, side)
      side = Math.sqrt(values.length / part.width)
    }
    return values
  }
}

/** Returns residual blocks whose numbers count from `first` on. */
export function blocksOf(machine, tensors, config, count, first = 0) {
  return new Sequence(Array.from({ length: count }, (_, i) => new Block(machine, tensors.below(`${first + i}`), config)))
}

/** Returns the top-down chain to a side: maps of twice the side, then blocks. */
export function downChain(machine, tensors, config, fine, coarse, blocks) {
  const ups = halvings(fine, coarse).reverse()
  const parts = ups.map((side, i) => new Up(machine, tensors.below(`${i}`), config, side))
  return new Sequence([...parts, ...blocksOf(machine, tensors, config, blocks, parts.length).parts])
}

/** Returns the bottom-up chain from a side: maps of half the side from number `first` on, then blocks as one part. */
export function upChain(machine, tensors, config, fine, coarse, { blocks = 0, first = 0 } = {}) {
  const parts = halvings(fine, coarse).map((_, i) => new Down(machine, tensors.below(`${first + i}`), config))
  return new Sequence([...parts, ...blocksOf(machine, tensors.below(`${first + parts.length}`), config, blocks).parts])
}
