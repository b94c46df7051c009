/** Sums of products in floats of 64 bits, which are exact where docs/FORMAT.md says so: the scores of symbols. */

import { I, loop } from './assembler.mjs'

/** Sums that are computed at once, four vectors of two. */
export const SCORES = 8

const PARAMETERS = ['inputs', 'count', 'matrix', 'constants', 'out', 'blocks']
const NUMBERS = ['block', 'at', 'input']
const P = Object.fromEntries([...PARAMETERS, ...NUMBERS].map((name, i) => [name, i]))
const VECTORS = PARAMETERS.length + NUMBERS.length
const PARTS = [0, 1, 2, 3]
const SPLAT = VECTORS + PARTS.length

const advance = (local, by) => [...I.get(local), ...I.number(by), ...I.add, ...I.set(local)]

/**
 * Returns the kernel. It adds the products of `count` inputs and the rows of a matrix, which for each block of sums has
 * eight numbers for each input, to constants.
 */
export function scores() {
  const products = PARTS.flatMap((part) => [
    ...[...I.get(VECTORS + part), ...I.get(SPLAT), ...I.get(P.matrix), ...I.load(16 * part)],
    ...[...I.multiplyDoubles, ...I.addDoubles, ...I.set(VECTORS + part)],
  ])
  const input = [...I.get(P.input), ...I.loadDouble(), ...I.set(SPLAT), ...products, ...advance(P.input, 8), ...advance(P.matrix, 64)]
  const start = PARTS.flatMap((part) => [...I.get(P.constants), ...I.load(16 * part), ...I.set(VECTORS + part)])
  const end = PARTS.flatMap((part) => [...I.get(P.out), ...I.get(VECTORS + part), ...I.store(16 * part)])
  const block = [
    ...[...I.get(P.inputs), ...I.set(P.input), ...I.number(0), ...I.set(P.at), ...start],
    ...[...loop(P.at, 1, P.count, input), ...end, ...advance(P.constants, 64), ...advance(P.out, 64)],
  ]
  return { name: 'scores', parameters: PARAMETERS.length, numbers: NUMBERS.length, vectors: 5, code: loop(P.block, 1, P.blocks, block) }
}
