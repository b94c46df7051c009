/** Weights files of a folder, for Node.js. */

import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { useWeights } from './dvcodec.mjs'
import { claims } from './weights/safetensors.mjs'

/** The folder of the weights that ship, in a checkout. */
export const SHIPPED = fileURLToPath(new URL('../weights', import.meta.url))

/** Returns the weights files of a folder, for `useWeights`; of each, only the header is read until it is needed. */
export function weightsOf(folder = SHIPPED) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'))
  return names.sort().map((name) => {
    const path = join(folder, name)
    return { ...claims(start(path)), load: async () => new Uint8Array(readFileSync(path)) }
  })
}

/** Uses the weights files of a folder. */
export function useWeightsOf(folder = SHIPPED) {
  useWeights(weightsOf(folder))
}

/** Returns the header of a weights file. */
function start(path) {
  const file = openSync(path, 'r')
  try {
    const size = Buffer.alloc(8)
    readSync(file, size, 0, 8, 0)
    const header = new Uint8Array(8 + Math.min(Number(size.readBigUInt64LE()), 2 ** 24))
    readSync(file, header, 0, header.length, 0)
    return header
  } finally {
    closeSync(file)
  }
}
