/**
 * The kernels: products of whole numbers of 16 bits, in rows of positions, and what follows them in the same sweep.
 *
 * Every product and every sum is an integer of 32 bits, so that the order of additions does not matter. What follows is
 * computed in floats of 32 bits, as docs/FORMAT.md has it.
 */

import { I, assembled, loop, when } from './assembler.mjs'
import { scores } from './scores.mjs'

/** Positions that are computed at once. */
const TILE = 4
/** Outputs that are computed at once, two vectors of four. */
export const BLOCK = 8

const PARAMETERS = ['first', 'second', 'third', 'runs', 'quads', 'step', 'count', 'weights', 'biases', 'scales', 'out', 'outStep', 'blocks']
const NUMBERS = ['block', 'position', 'end', 'counter', 'weight', 'source', 'target', 'p0', 'p1', 'p2', 'p3', 'one']
const P = Object.fromEntries([...PARAMETERS, ...NUMBERS].map((name, i) => [name, i]))
const VECTORS = PARAMETERS.length + NUMBERS.length
const sum = (position, half) => VECTORS + 2 * position + half
const WEIGHTS = [VECTORS + 2 * TILE, VECTORS + 2 * TILE + 1]
const INPUTS = VECTORS + 2 * TILE + 2

const advance = (local, by) => [...I.get(local), ...by, ...I.add, ...I.set(local)]

/** Adds the products of four inputs of some positions. */
function quad(tile) {
  const code = []
  for (const pair of [0, 1]) {
    for (const half of [0, 1]) code.push(...I.get(P.weight), ...I.load(32 * pair + 16 * half), ...I.set(WEIGHTS[half]))
    for (let t = 0; t < tile; t++) {
      code.push(...I.get(P.p0 + t), ...I.loadPair(4 * pair), ...I.set(INPUTS))
      for (const half of [0, 1]) {
        code.push(...I.get(INPUTS), ...I.get(WEIGHTS[half]), ...I.dot)
        code.push(...I.get(sum(t, half)), ...I.addIntegers, ...I.set(sum(t, half)))
      }
    }
  }
  for (let t = 0; t < tile; t++) code.push(...advance(P.p0 + t, I.number(8)))
  return [...code, ...advance(P.weight, I.number(64))]
}

/** Adds the products of one row of inputs. */
function run(row, tile) {
  const code = [...I.get(P.position), ...I.get(P.step), ...I.multiply, ...I.get(row), ...I.add, ...I.set(P.p0)]
  for (let t = 1; t < tile; t++) code.push(...I.get(P.p0 + t - 1), ...I.get(P.step), ...I.add, ...I.set(P.p0 + t))
  code.push(...I.number(0), ...I.set(P.counter))
  return [...code, ...loop(P.counter, 1, P.quads, quad(tile))]
}

/** Leaves a sum times its scale, after `rounding`, as integers between bounds. */
function scaled(local, half, rounding, least, most) {
  const scales = [...I.get(P.scales), ...I.load(16 * half)]
  const bounded = [...I.floats(least), ...I.most, ...I.floats(most), ...I.least]
  return [...I.get(local), ...I.toFloats, ...scales, ...I.multiplyFloats, ...rounding, ...bounded, ...I.toIntegers]
}

const HALF_UP = [...I.floats(0.5), ...I.addFloats, ...I.floor]
const FAR = 2 ** 22
/** The largest magnitude of a stream of 15 in steps of 2^-8. */
const STREAM = 15 * 2 ** 8

/** Stores outputs between 0 and a bound, rounded half up. */
function positive(t, most) {
  const halves = [0, 1].flatMap((half) => scaled(sum(t, half), half, HALF_UP, 0, most))
  return [...I.get(P.target), ...halves, ...I.narrow, ...I.store()]
}

/** What becomes of a position's two vectors of sums. */
const ENDS = {
  /** Stores the sums. */
  sums: (t) => [0, 1].flatMap((half) => [...I.get(P.target), ...I.get(sum(t, half)), ...I.store(16 * half)]),
  /** Stores rounded outputs. */
  rounded: (t) =>
    [0, 1].flatMap((half) => [
      ...I.get(P.target),
      ...scaled(sum(t, half), half, HALF_UP, -FAR, FAR),
      ...I.store(16 * half),
    ]),
  /** Stores what the next map sees of outputs: halves are rounded to even numbers. */
  hidden: (t) => [
    ...I.get(P.target),
    ...[0, 1].flatMap((half) => scaled(sum(t, half), half, I.nearest, 0, 255)),
    ...I.narrow,
    ...I.store(),
  ],
  /** Stores positive outputs of 11 bits, rounded half up. */
  positive: (t) => positive(t, 2047),
  /** Stores positive outputs of 8 bits, rounded half up. */
  byte: (t) => positive(t, 255),
  /** Stores positive outputs of 15 bits, rounded half up. */
  wide: (t) => positive(t, 32767),
  /** Adds outputs to a state and rounds the sums. */
  stream: (t) => [
    ...I.get(P.target),
    ...[I.extendLow, I.extendHigh].flatMap((extend, half) => {
      const before = [...I.get(P.target), ...I.load(), ...extend, ...I.toFloats, ...I.addFloats]
      return scaled(sum(t, half), half, [...before, ...HALF_UP], -STREAM, STREAM)
    }),
    ...I.narrow,
    ...I.store(),
  ],
  /** Adds rounded outputs to a state. */
  state: (t) => [
    ...I.get(P.target),
    ...[I.extendLow, I.extendHigh].flatMap((extend, half) => [
      ...scaled(sum(t, half), half, HALF_UP, -FAR, FAR),
      ...[...I.get(P.target), ...I.load(), ...extend, ...I.addIntegers],
    ]),
    ...I.narrow,
    ...[...I.shorts(32512), ...I.leastShorts, ...I.shorts(-32512), ...I.mostShorts],
    ...I.store(),
  ],
}

/** Computes the block's outputs of some positions. */
function tileOf(tile, end) {
  const code = [...I.get(P.source), ...I.set(P.weight)]
  for (const half of [0, 1]) {
    for (let t = 0; t < tile; t++) code.push(...I.get(P.biases), ...I.load(16 * half), ...I.set(sum(t, half)))
  }
  code.push(...run(P.first, tile))
  code.push(...when([...I.get(P.one), ...I.get(P.runs), ...I.below], [...run(P.second, tile), ...run(P.third, tile)]))
  for (let t = 0; t < tile; t++) code.push(...end(t), ...advance(P.target, I.get(P.outStep)))
  return code
}

function kernel(name) {
  const bytes = name === 'sums' || name === 'rounded' ? 32 : 16 // of a block's outputs
  const tiles = (tile) => loop(P.position, tile, P.end, tileOf(tile, ENDS[name]))
  const start = (at) => [...I.get(P.position), ...I.get(at), ...I.below]
  const whole = [...I.get(P.count), ...I.get(P.count), ...I.number(TILE - 1), 0x71, ...I.subtract, ...I.set(P.end)]
  const block = [
    ...[...I.number(0), ...I.set(P.position), ...I.number(1), ...I.set(P.one)],
    ...[...I.get(P.block), ...I.number(bytes), ...I.multiply, ...I.get(P.out), ...I.add, ...I.set(P.target)],
    ...[...whole, ...when(start(P.end), tiles(TILE))],
    ...[...I.get(P.count), ...I.set(P.end), ...when(start(P.end), tiles(1))],
    ...[...advance(P.biases, I.number(32)), ...advance(P.scales, I.number(32)), ...I.get(P.weight), ...I.set(P.source)],
  ]
  const code = [...I.get(P.weights), ...I.set(P.source), ...loop(P.block, 1, P.blocks, block)]
  return { name, parameters: PARAMETERS.length, numbers: NUMBERS.length, vectors: 2 * TILE + 3, code }
}

/** What maps see of a state: the bits that it loses, rounded half up, and the bounds of the rest. */
const SEEN = {
  activation: { bits: 4, least: 0, most: 255 },
  signed: { bits: 4, least: -127, most: 127 },
  relu: { bits: 0, least: 0, most: 32767 },
}

/** Stores what maps see of a state: `count` multiples of eight numbers. */
function seen(name) {
  const { bits, least, most } = SEEN[name]
  const [state, out, count, at] = [0, 1, 2, 3]
  const fewer = bits ? [...I.shorts(2 ** (bits - 1)), ...I.addShorts, ...I.shiftShorts(bits)] : []
  const bounded = [...fewer, ...I.shorts(least), ...I.mostShorts, ...I.shorts(most), ...I.leastShorts]
  const body = [...I.get(out), ...I.get(state), ...I.load(), ...bounded, ...I.store()]
  const code = loop(at, 8, count, [...body, ...advance(state, I.number(16)), ...advance(out, I.number(16))])
  return { name, parameters: 3, numbers: 1, vectors: 0, code }
}

/** Returns the bytes of the module of all kernels. */
export function kernels() {
  return assembled([...Object.keys(ENDS).map(kernel), ...Object.keys(SEEN).map(seen), scores()])
}
