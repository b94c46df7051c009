/** Weights files of a folder, for Node.js. */

import type { WeightsSource } from './dvcodec.js'

/** The folder of the weights that ship, in a checkout. */
export const SHIPPED: string

/** Returns the weights files of a folder, for `useWeights`. */
export function weightsOf(folder?: string): WeightsSource[]

/** Uses the weights files of a folder. */
export function useWeightsOf(folder?: string): void
