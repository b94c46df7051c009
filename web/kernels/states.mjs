/** States of networks in the kernels' memory: rows of positions, each of some channels of 16 bits. */

/**
 * A state.
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

/** Returns a number within plus and minus a limit. */
export function within(x, limit) {
  return x > limit ? limit : x < -limit ? -limit : x
}

/** Adds a vector to every position of a state, whose numbers stay within a limit. */
export function addVector(machine, state, vector, limit) {
  const { channels, rows, columns } = state
  const values = machine.shorts(state.address, rows * columns * channels)
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < channels; c++) values[at + c] = within(values[at + c] + vector[c], limit)
  }
}

/** Rows of inputs with a position of zeros at either end, of which three are kept: they are made when they are needed. */
export class PaddedRows {
  /**
   * Takes what makes a row.
   * @param {import('./machine.mjs').Machine} machine
   * @param {{rows: number, columns: number, channels: number}} size
   * @param {(row: number, address: number) => void} make Writes the inputs of a row, in ascending order.
   */
  constructor(machine, { rows, columns, channels }, make) {
    this.rows = rows
    this.make = make
    this.left = 2 * channels
    this.slots = [0, 1, 2, 3].map(() => machine.zeros((columns + 2) * channels))
    this.made = 0
  }

  /** Returns the addresses of a row and of its neighbours, which are zeros outside. */
  around(row) {
    for (; this.made <= Math.min(row + 1, this.rows - 1); this.made++) {
      this.make(this.made, this.slots[this.made % 3] + this.left)
    }
    return [row - 1, row, row + 1].map((y) => (y < 0 || y >= this.rows ? this.slots[3] : this.slots[y % 3]))
  }
}
