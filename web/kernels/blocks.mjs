/** What networks do to states, row by row, in place. */

import { PaddedRows, rowOf, within } from './states.mjs'

/**
 * The kernels of a network: `seen` makes what maps see of a state, `hidden` what the second map of a block sees of the
 * first, `added` adds a map's outputs to a state, and `limit` bounds a state.
 * @typedef {{seen: string, hidden: string, added: string, limit: number}} Arithmetic
 */

/** Positions whose temporary numbers are in the memory at once. */
export const STRIP = 2048

/** Returns the rows of what maps see of a state. */
export function activations(machine, state, { seen }) {
  const count = state.columns * state.channels
  return new PaddedRows(machine, state, (row, address) => machine.run[seen](rowOf(state, row), address, count))
}

/** Adds to a state what a 3x3 and a 1x1 map make of it. */
export function pointBlock(machine, state, spatial, point, arithmetic) {
  machine.scoped(() => {
    const seen = activations(machine, state, arithmetic)
    const hidden = machine.reserve(2 * state.columns * spatial.padded)
    for (let row = 0; row < state.rows; row++) {
      spatial.run(arithmetic.hidden, seen.around(row), state.columns, hidden)
      point.run(arithmetic.added, [hidden], state.columns, rowOf(state, row))
    }
  })
}

/** Adds to a state what two 3x3 maps make of it. */
export function pairBlock(machine, state, first, second, arithmetic) {
  machine.scoped(() => {
    const seen = activations(machine, state, arithmetic)
    const make = (row, address) => first.run(arithmetic.hidden, seen.around(row), state.columns, address)
    const hidden = new PaddedRows(machine, state, make)
    for (let row = 0; row < state.rows; row++) {
      second.run(arithmetic.added, hidden.around(row), state.columns, rowOf(state, row))
    }
  })
}

/** Calls `use` with each of some rows and what a 3x3 map makes of a state there, rounded. */
export function outputRows(machine, state, last, arithmetic, { from, to }, use) {
  const seen = activations(machine, state, arithmetic)
  const found = machine.reserve(last.size('rounded') * state.columns)
  for (let row = 0; row < to; row++) {
    const addresses = seen.around(row) // every row in turn: three are kept
    if (row < from) continue
    last.run('rounded', addresses, state.columns, found)
    use(row, machine.integers(found, last.padded * state.columns))
  }
}

/** Writes what a map makes of a state to the state of twice the rows and columns, or one less. */
export function finer(machine, state, next, grow, arithmetic) {
  machine.scoped(() => {
    const seen = machine.reserve(2 * state.columns * state.channels)
    const grown = machine.reserve(state.columns * grow.size('rounded'))
    for (let row = 0; row < state.rows; row++) {
      machine.run[arithmetic.seen](rowOf(state, row), seen, state.columns * state.channels)
      grow.run('rounded', [seen], state.columns, grown)
      const parts = machine.integers(grown, state.columns * grow.padded)
      const out = machine.shorts(next.address, next.rows * next.columns * next.channels)
      for (let i = 2 * row; i < Math.min(2 * row + 2, next.rows); i++) {
        for (let x = 0; x < next.columns; x++) {
          const from = (x >> 1) * grow.padded + 2 * (i & 1) + (x & 1)
          const to = (i * next.columns + x) * next.channels
          for (let c = 0; c < next.channels; c++) out[to + c] = within(parts[from + 4 * c], arithmetic.limit)
        }
      }
    }
  })
}

/** Calls a function with what maps see of some positions of a state after the other. */
export function strips(machine, state, seen, use) {
  machine.scoped(() => {
    const address = machine.reserve(2 * STRIP * state.channels)
    const total = state.rows * state.columns
    for (let first = 0; first < total; first += STRIP) {
      const count = Math.min(STRIP, total - first)
      machine.run[seen](state.address + 2 * first * state.channels, address, count * state.channels)
      use({ address, count, first })
    }
  })
}
