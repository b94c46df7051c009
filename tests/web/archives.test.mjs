/** Archives: their images have the pixels of every other machine, and damage is told in the command line's words. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { decode, info } from '../../web/dvcodec.mjs'
import { Stack } from '../../web/entropy/rans.mjs'
import { popScored, pushScored } from '../../web/entropy/scores.mjs'
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

/** Returns the bytes that stand for the pixels of a screen in a golden archive's description; null for indices. */
function bytesOf({ data, width, height, mode }) {
  if (mode !== '1') return CHANNELS[mode] ? data.filter((_, i) => CHANNELS[mode].includes(i % 4)) : null
  const row = Math.ceil(width / 8)
  const out = new Uint8Array(row * height)
  for (let i = 0; i < width * height; i++) {
    if (data[4 * i]) out[Math.floor(i / width) * row + ((i % width) >> 3)] |= 128 >> (i % width & 7)
  }
  return out
}

for (const name of ['stored', 'webp', 'model', 'bits-back-bilevel', 'bits-back-rgb']) {
  test(`the images of the archive ${name} are whole`, async () => {
    const archive = read(`archives/${name}.dvq`)
    const known = JSON.parse(read(`archives/${name}.json`))
    const { images, faults } = info(archive)
    assert.deepEqual(faults, [])
    assert.equal(images.length, known.images.length)
    for (const image of images) {
      const found = await decode({ archive, image })
      assert.deepEqual([found.width, found.height, found.mode], [image.width, image.height, image.mode])
      const bytes = bytesOf(found)
      if (bytes) assert.equal(sha256(bytes), known.images[image.position].sha256)
    }
  })
}

for (const name of ['archive-weights-not-installed', 'archive-weights-of-another-kind']) {
  test(`the images of ${name} are refused in the words of the command line`, async () => {
    const archive = read(`damaged/${name}.dvq`)
    const [line] = DAMAGED[name].decompress.lines
    await assert.rejects(decode({ archive, image: info(archive).images[0] }), ({ message }) => line.includes(`decoded: ${message}`))
  })
}

test('a set whose words are changed is refused', async () => {
  const archive = Uint8Array.from(read('archives/bits-back-rgb.dvq'))
  const [image] = info(archive).images
  const other = read('archives/bits-back-bilevel.dvq')
  await decode({ archive: other, image: info(other).images[0] }) // the images that were decoded last are kept
  archive[image.last - 40] ^= 1
  await assert.rejects(decode({ archive, image }), { name: 'DvcodecError' })
})

test('symbols that are pushed come back, whatever the stack held', () => {
  const stack = new Stack(Uint32Array.of(5, 6, 7))
  const before = [stack.upper, stack.lower]
  const intervals = Array.from({ length: 200 }, (_, i) => [(i * 7919) % 1000, 1 + ((i * 104729) % (i % 3 ? 70 : 2 ** 23))])
  for (const [left, frequency] of intervals) stack.push(left, frequency)
  for (const [left, frequency] of intervals.reverse()) {
    assert.ok(stack.lower >= left && stack.lower < left + frequency)
    stack.pop(left, frequency)
  }
  assert.deepEqual([stack.upper, stack.lower, stack.left, ...stack.words.subarray(0, 1)], [...before, 1, 5])
})

test('symbols that are pushed under scores are those that are popped', () => {
  const stack = new Stack(new Uint32Array(0))
  const scores = Float64Array.of(-3, 0.25, -40, -1, 0)
  pushScored(stack, scores, 0)
  pushScored(stack, scores, 3)
  assert.equal(popScored(stack, scores), 3)
  assert.equal(popScored(stack, scores), 0)
})
