/** The kernels with the memory that they work in, and a test that they are exact here. */

import { DvcodecError } from '../bitstream/errors.mjs'
import { kernels } from './convolution.mjs'

const PAGE = 65536

/** A memory that is taken from the bottom up, and given back from the top down. */
export class Machine {
  /** Returns a machine whose kernels were tested. */
  static async start() {
    const machine = new Machine()
    const { instance } = await WebAssembly.instantiate(kernels(), { kernels: { memory: machine.memory } })
    machine.run = instance.exports
    machine.test()
    return machine
  }

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 1 })
    this.top = 64
  }

  /** Returns the address of some bytes, a multiple of 16. */
  reserve(bytes) {
    const address = this.top
    this.top += Math.ceil(bytes / 16) * 16
    const missing = this.top - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE))
    return address
  }

  /** Calls a function, and afterwards gives back what it reserved. */
  scoped(work) {
    const { top } = this
    try {
      return work()
    } finally {
      this.top = top
    }
  }

  /** Returns numbers of 16 bits at an address; valid until the next reservation. */
  shorts(address, count) {
    return new Int16Array(this.memory.buffer, address, count)
  }

  /** Returns numbers of 32 bits at an address; valid until the next reservation. */
  integers(address, count) {
    return new Int32Array(this.memory.buffer, address, count)
  }

  /** Returns floats at an address; valid until the next reservation. */
  floats(address, count) {
    return new Float32Array(this.memory.buffer, address, count)
  }

  /** Returns floats of 64 bits at an address; valid until the next reservation. */
  doubles(address, count) {
    return new Float64Array(this.memory.buffer, address, count)
  }

  /** Returns the address of zeros of 16 bits. */
  zeros(count) {
    const address = this.reserve(2 * count)
    this.shorts(address, count).fill(0)
    return address
  }

  /** Throws DvcodecError unless the kernels add products exactly where sums are largest. */
  test() {
    this.scoped(() => {
      const [inputs, positions] = [1008, 5]
      const x = this.reserve(2 * inputs * positions)
      const weights = this.reserve(2 * inputs * 8)
      const constants = this.zeros(64)
      const out = this.reserve(4 * 8 * positions)
      const of = (i) => 255 - ((i * 13) % 9)
      const weight = (o, i) => (o % 2 ? -1 : 1) * (63 - ((i * 11 + o) % 5))
      this.shorts(x, inputs * positions).forEach((_, i, all) => (all[i] = of(i)))
      const placed = this.shorts(weights, 8 * inputs)
      for (let i = 0; i < inputs; i++) for (let o = 0; o < 8; o++) placed[(i >> 1) * 16 + 2 * o + (i & 1)] = weight(o, i)
      this.run.sums(x, x, x, 1, inputs / 4, 2 * inputs, positions, weights, constants, constants, out, 32, 1)
      this.integers(out, 8 * positions).forEach((found, at) => {
        let wanted = 0
        for (let i = 0; i < inputs; i++) wanted += of((at >> 3) * inputs + i) * weight(at & 7, i)
        if (found !== wanted) throw new DvcodecError("this machine's kernels do not add whole numbers exactly")
      })
    })
  }
}
