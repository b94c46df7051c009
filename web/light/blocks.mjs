/** Residual blocks of a state that lies in the kernels' memory, row by row, in place. */

import { PaddedRows } from './maps.mjs'

/**
 * A state: rows of positions, each of some channels of 16 bits.
 * @typedef {{address: number, rows: number, columns: number, channels: number}} State
 */

/** Reserves a state of zeros. */
export function stateOf(machine, rows, columns, channels) {
  return { address: machine.zeros(rows * columns * channels), rows, columns, channels }
}

/** Returns the address of a row of a state. */
export function rowOf(state, row) {
  return state.address + 2 * row * state.columns * state.channels
}

/** Returns the rows of what maps see of a state. */
export function activations(machine, state) {
  const count = state.columns * state.channels
  return new PaddedRows(machine, state, (row, address) => machine.run.activation(rowOf(state, row), address, count))
}

/** Adds to a state what a 3x3 and a 1x1 map make of it. */
export function pointBlock(machine, state, spatial, point) {
  machine.scoped(() => {
    const seen = activations(machine, state)
    const hidden = machine.reserve(2 * state.columns * spatial.padded)
    for (let row = 0; row < state.rows; row++) {
      spatial.run('hidden', seen.around(row), state.columns, hidden)
      point.run('state', [hidden], state.columns, rowOf(state, row))
    }
  })
}

/** Adds to a state what two 3x3 maps make of it. */
export function pairBlock(machine, state, first, second) {
  machine.scoped(() => {
    const seen = activations(machine, state)
    const make = (row, address) => first.run('hidden', seen.around(row), state.columns, address)
    const hidden = new PaddedRows(machine, state, make)
    for (let row = 0; row < state.rows; row++) {
      second.run('state', hidden.around(row), state.columns, rowOf(state, row))
    }
  })
}

/** Adds a vector to every position of a state. */
export function addVector(machine, state, vector) {
  const { channels, rows, columns } = state
  const values = machine.shorts(state.address, rows * columns * channels)
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < channels; c++) values[at + c] = bounded(values[at + c] + vector[c])
  }
}

/** Returns what a state can hold of a number. */
export function bounded(x) {
  return x > 32512 ? 32512 : x < -32512 ? -32512 : x
}
