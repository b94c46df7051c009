/** The arithmetic of models of small images: values of chains are in steps of 2^-8, inputs of maps in steps of 2^-4. */

import { within } from '../kernels/states.mjs'

const { exp, floor, fround, max, min } = Math
/** The largest magnitude of a chain's values. */
export const STREAM = 15 * 2 ** 8
/** The largest magnitude of an embedding, in steps of 2^-6. */
export const EMBEDDING = 15 * 2 ** 6
const MIDDLE = 512
const POINTS = Array.from({ length: 2 * MIDDLE }, (_, i) => (i - MIDDLE) / 64)
const ELU = Int16Array.from(POINTS, (p) => min(127, floor(16 * (p > 0 ? p : exp(p) - 1) + 0.5)))
const GATE = Int16Array.from(POINTS, (p) => floor(256 / (1 + exp(-p)) + 0.5))

/** Rounds half up; the addition is one of 32 bits. */
const rounded = (x) => floor(fround(x + 0.5))

function place(x) {
  return max(-MIDDLE, min(MIDDLE - 1, rounded(x / 4))) + MIDDLE
}

/** Returns ELU of values, in steps of 2^-4. */
export function elu(values) {
  const out = new Int16Array(values.length)
  for (let i = 0; i < out.length; i++) out[i] = ELU[place(values[i])]
  return out
}

/** Returns what a map sees of a value. */
export function signed(x) {
  return within(rounded(x / 16), 127)
}

/** Returns a value of a chain. */
export function stream(x) {
  return within(rounded(x), STREAM)
}

/** Returns a number of an embedding, in steps of 2^-6. */
export function embedded(x) {
  return within(rounded(x / 4), EMBEDDING)
}

/** Returns the product of what maps see of a value and a gate. */
export function gated(a, b) {
  return (signed(a) * GATE[place(b)]) / 16
}
