/**
 * Writes the red, green, blue and alpha of files: `node shown.mjs SCALE PREVIEW FILE`, for the tests in Python. Weights are
 * those that ship and those in the folder that DVCODEC_WEIGHTS names.
 */

import { readFileSync } from 'node:fs'
import { decode, useWeights } from '../../web/dvcodec.mjs'
import { weightsOf } from '../../web/node.mjs'

const [scale, preview, file] = process.argv.slice(2)
const { DVCODEC_WEIGHTS: folder } = process.env
useWeights([...weightsOf(), ...(folder ? weightsOf(folder) : [])])
const found = await decode(readFileSync(file), {
  scale: scale === '1' ? 1 : scale,
  preview: preview === 'none' ? null : Number(preview),
})
process.stdout.write(found.data)
