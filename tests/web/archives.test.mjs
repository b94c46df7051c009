/** Archives: their images have the pixels of every other machine, and damage is told in the command line's words. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { decode, info } from '../../web/dvcodec.mjs'
import { useWeightsOf } from '../../web/node.mjs'
import { DAMAGED, read } from './golden.mjs'

useWeightsOf()
const CHANNELS = { L: [0], LA: [0, 3], RGB: [0, 1, 2], RGBA: [0, 1, 2, 3] }
const sha256 = (data) => createHash('sha256').update(data).digest('hex')
/** Faults that decoding alone finds; `info` does not decode. */
const DECODED = ['archive-other-pixels', 'archive-weights']

for (const name of Object.keys(DAMAGED).filter((one) => one.startsWith('archive-'))) {
  test(`${name} is described as the command line does`, () => {
    const archive = read(`damaged/${name}.dvq`)
    const prefix = `dvcodec: ${name}.dvq: `
    const lines = DAMAGED[name].decompress.lines.map((line) => line.replace(prefix, ''))
    const { faults } = info(archive)
    if (DECODED.some((start) => name.startsWith(start))) assert.deepEqual(faults, [])
    else assert.deepEqual(faults, lines)
  })
}

for (const name of ['stored', 'webp', 'model']) {
  test(`the images of the archive ${name} are whole`, async () => {
    const archive = read(`archives/${name}.dvq`)
    const known = JSON.parse(read(`archives/${name}.json`))
    const { images, faults } = info(archive)
    assert.deepEqual(faults, [])
    assert.equal(images.length, known.images.length)
    for (const image of images) {
      const found = await decode({ archive, image })
      assert.deepEqual([found.width, found.height, found.mode], [image.width, image.height, image.mode])
      const channels = CHANNELS[image.mode]
      if (channels) assert.equal(sha256(found.data.filter((_, i) => channels.includes(i % 4))), known.images[image.position].sha256)
    }
  })
}
