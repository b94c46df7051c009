/** Which coefficients the layers of the photograph network hold. */

import { STRIDES } from '../light/layout.mjs'

/** Runs of diagonals, and how many of their coefficients share a symbol. */
const FINE = [
  ['y1 in 1', 'u1 in 1', 'v1 in 1'],
  ['y2 in 1'],
  ['y3 in 1', 'uv2 in 2'],
  ['y4 in 1'],
  ['y5 in 2', 'uv3 in 2'],
  ['y6 in 2', 'uv4 in 2', 'uv5 in 4'],
  ['y7 in 2'],
  ['y8-9 in 2', 'y10-14 in 4', 'uv6-8 in 6'],
]
const DETAILS = [0, 1, 2].flatMap((colour) => [0, 3, 6].map((orientation) => [orientation + colour]))
const MEANS = [9, 9, 10, 10, 11, 11].map((number) => [number])

/** Returns the frequencies of a diagonal: by rising row if it is odd, by rising column if it is even. */
function diagonal(d) {
  const rows = []
  for (let i = Math.max(0, d - 7); i <= Math.min(7, d); i++) rows.push(i)
  if (d % 2 === 0) rows.reverse()
  return rows.map((i) => 8 * i + d - i)
}

/** Returns the coefficients of each layer of a run such as `uv6-8 in 6`. */
function layersOf(run) {
  const [, colours, first, last = first, size] = /^([yuv]+)(\d+)(?:-(\d+))? in (\d)$/.exec(run)
  const found = []
  for (let d = Number(first); d <= Number(last); d++) {
    for (const frequency of diagonal(d)) for (const colour of colours) found.push(64 * 'yuv'.indexOf(colour) + frequency)
  }
  const count = Math.ceil(found.length / size)
  return Array.from({ length: count }, (_, i) => found.slice(i * size, (i + 1) * size))
}

/** Returns stages of one layer each, which carries all coefficients of a position. */
function whole(channels, count) {
  return new Array(count).fill([Array.from({ length: channels }, (_, i) => i)])
}

/** By layout: the coefficients of each layer of each stage, by stride. */
export const LAYOUTS = {
  'photo-96': { 64: [MEANS, DETAILS], 32: [DETAILS], 16: [DETAILS], 8: FINE.map((stage) => stage.flatMap(layersOf)) },
  canvas: { 64: whole(12, 6), 32: whole(9, 4), 16: whole(9, 4), 8: whole(192, 14) },
}

/** Returns the number of layers of stages by stride. */
export function layersIn(stages) {
  return STRIDES.reduce((sum, stride) => sum + stages[stride].flat().length, 0)
}
