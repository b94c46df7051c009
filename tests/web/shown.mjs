/** Writes the red, green, blue and alpha of files: `node shown.mjs SCALE PREVIEW FILE`, for the tests in Python. */

import { readFileSync } from 'node:fs'
import { decode } from '../../web/dvcodec.mjs'
import { useWeightsOf } from '../../web/node.mjs'

const [scale, preview, file] = process.argv.slice(2)
useWeightsOf()
const found = await decode(readFileSync(file), {
  scale: scale === '1' ? 1 : scale,
  preview: preview === 'none' ? null : Number(preview),
})
process.stdout.write(found.data)
